"""The words of the grammar: English, French and German stems with what their forms need.

Each table has a line a concept, its columns parted by `|`: English, French, German, classes. A class says what a noun
can be (`person`, `place`, ...) or which nouns a verb or an adjective goes with.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class FrenchNoun:
    """Gender `m` or `f`, singular and plural."""

    gender: str
    singular: str
    plural: str


@dataclass(frozen=True)
class GermanNoun:
    """Gender `m`, `f` or `n`; nominative and genitive singular, plural; weak nouns have the genitive in all cases."""

    gender: str
    singular: str
    genitive: str
    plural: str
    weak: bool = False


@dataclass(frozen=True)
class Noun:
    """One concept. `feminines` are the French and German words for a woman, where English does not say which."""

    key: str
    english: tuple[str, str]
    french: FrenchNoun
    german: GermanNoun
    kind: str
    feminines: tuple[FrenchNoun, GermanNoun] | None = None
    parts: tuple[str, str] | None = None


@dataclass(frozen=True)
class Adjective:
    """`french`: masculine and feminine singular, masculine and feminine plural; `before_vowel` as in "un bel homme"."""

    key: str
    english: str
    french: tuple[str, str, str, str]
    before_vowel: str
    before_noun: bool
    german: str
    german_stem: str
    kinds: frozenset[str]


@dataclass(frozen=True)
class EnglishVerb:
    base: str
    third: str
    past: str
    particle: str = ""
    tail: str = ""


@dataclass(frozen=True)
class FrenchVerb:
    """`present`: the six forms; `preposition` links the object ("à"); `tail` follows ("la mèche")."""

    infinitive: str
    present: tuple[str, ...]
    participle: str
    auxiliary: str
    reflexive: bool = False
    preposition: str = ""
    tail: str = ""


@dataclass(frozen=True)
class GermanVerb:
    """`present`: the six forms without the separable `prefix`; the object's `case`, behind a `preposition` or not."""

    infinitive: str
    present: tuple[str, ...]
    participle: str
    auxiliary: str
    prefix: str = ""
    case: str = "acc"
    preposition: str = ""
    tail: str = ""


@dataclass(frozen=True)
class Verb:
    """One concept: `frame` says what it takes, `kinds` which objects, `subjects` which subjects."""

    key: str
    english: EnglishVerb
    french: FrenchVerb
    german: GermanVerb
    frame: str
    kinds: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset({"person"})


# English singular [plural] | French gender singular [plural] [/ feminine [plural]] |
# German gender nominative genitive plural [weak] [/ feminine plural]
_NOUNS = {
    "person": """
man men | m homme | m Mann Mannes Männer
woman women | f femme | f Frau Frau Frauen
boy | m garçon | m Junge Jungen Jungen weak
girl | f fille | n Mädchen Mädchens Mädchen
child children | m enfant | n Kind Kindes Kinder
father | m père | m Vater Vaters Väter
mother | f mère | f Mutter Mutter Mütter
brother | m frère | m Bruder Bruders Brüder
sister | f sœur | f Schwester Schwester Schwestern
uncle | m oncle | m Onkel Onkels Onkel
aunt | f tante | f Tante Tante Tanten
king | m roi | m König Königs Könige
queen | f reine | f Königin Königin Königinnen
grandmother | f grand-mère grands-mères | f Großmutter Großmutter Großmütter
grandfather | m grand-père grands-pères | m Großvater Großvaters Großväter
teacher | m professeur / professeure | m Lehrer Lehrers Lehrer / Lehrerin Lehrerinnen
neighbour | m voisin / voisine | m Nachbar Nachbarn Nachbarn weak / Nachbarin Nachbarinnen
friend | m ami / amie | m Freund Freundes Freunde / Freundin Freundinnen
student | m étudiant / étudiante | m Student Studenten Studenten weak / Studentin Studentinnen
worker | m ouvrier / ouvrière | m Arbeiter Arbeiters Arbeiter / Arbeiterin Arbeiterinnen
singer | m chanteur / chanteuse | m Sänger Sängers Sänger / Sängerin Sängerinnen
writer | m écrivain / écrivaine | m Schriftsteller Schriftstellers Schriftsteller / Schriftstellerin Schriftstellerinnen
baker | m boulanger / boulangère | m Bäcker Bäckers Bäcker / Bäckerin Bäckerinnen
engineer | m ingénieur / ingénieure | m Ingenieur Ingenieurs Ingenieure / Ingenieurin Ingenieurinnen
""",
    "animal": """
dog | m chien | m Hund Hundes Hunde
cat | m chat | f Katze Katze Katzen
horse | m cheval chevaux | n Pferd Pferdes Pferde
bird | m oiseau oiseaux | m Vogel Vogels Vögel
cow | f vache | f Kuh Kuh Kühe
mouse mice | f souris souris | f Maus Maus Mäuse
rabbit | m lapin | n Kaninchen Kaninchens Kaninchen
sheep sheep | m mouton | n Schaf Schafes Schafe
bear | m ours ours | m Bär Bären Bären weak
""",
    "thing": """
car | f voiture | n Auto Autos Autos
bicycle | m vélo | n Fahrrad Fahrrads Fahrräder
key | f clé | m Schlüssel Schlüssels Schlüssel
bag | m sac | f Tasche Tasche Taschen
umbrella | m parapluie | m Regenschirm Regenschirms Regenschirme
watch watches | f montre | f Uhr Uhr Uhren
ball | m ballon | m Ball Balles Bälle
flower | f fleur | f Blume Blume Blumen
picture | f image | n Bild Bildes Bilder
computer | m ordinateur | m Computer Computers Computer
camera | f caméra | f Kamera Kamera Kameras
knife knives | m couteau couteaux | n Messer Messers Messer
bottle | f bouteille | f Flasche Flasche Flaschen
glass glasses | m verre | n Glas Glases Gläser
gift | m cadeau cadeaux | n Geschenk Geschenks Geschenke
box boxes | f boîte | f Kiste Kiste Kisten
piano | m piano | n Klavier Klaviers Klaviere
ring | f bague | m Ring Rings Ringe
""",
    "clothes": """
hat | m chapeau chapeaux | m Hut Hutes Hüte
coat | m manteau manteaux | m Mantel Mantels Mäntel
shirt | f chemise | n Hemd Hemdes Hemden
dress dresses | f robe | n Kleid Kleides Kleider
jacket | f veste | f Jacke Jacke Jacken
""",
    "furniture": """
table | f table | m Tisch Tisches Tische
chair | f chaise | m Stuhl Stuhls Stühle
bed | m lit | n Bett Bettes Betten
wardrobe | f armoire | m Schrank Schranks Schränke
""",
    "opening": """
door | f porte | f Tür Tür Türen
window | f fenêtre | n Fenster Fensters Fenster
""",
    "machine": """
lamp | f lampe | f Lampe Lampe Lampen
radio | f radio | n Radio Radios Radios
machine | f machine | f Maschine Maschine Maschinen
""",
    "document": """
book | m livre | n Buch Buches Bücher
letter | f lettre | m Brief Briefes Briefe
newspaper | m journal journaux | f Zeitung Zeitung Zeitungen
story stories | f histoire | f Geschichte Geschichte Geschichten
poem | m poème | n Gedicht Gedichts Gedichte
article | m article | m Artikel Artikels Artikel
novel | m roman | m Roman Romans Romane
message | m message | f Nachricht Nachricht Nachrichten
song | f chanson | n Lied Liedes Lieder
""",
    "food": """
apple | f pomme | m Apfel Apfels Äpfel
cake | m gâteau gâteaux | m Kuchen Kuchens Kuchen
egg | m œuf | n Ei Eis Eier
orange | f orange | f Orange Orange Orangen
pear | f poire | f Birne Birne Birnen
tomato tomatoes | f tomate | f Tomate Tomate Tomaten
""",
    "dish": """
bread | m pain | n Brot Brotes Brote
cheese | m fromage | m Käse Käses Käse
soup | f soupe | f Suppe Suppe Suppen
meat | f viande | n Fleisch Fleisches Fleisch
rice | m riz | m Reis Reises Reis
""",
    "drink": """
milk | m lait | f Milch Milch Milch
water | f eau | n Wasser Wassers Wasser
wine | m vin | m Wein Weins Weine
coffee | m café | m Kaffee Kaffees Kaffees
tea | m thé | m Tee Tees Tees
""",
    "place": """
garden | m jardin | m Garten Gartens Gärten
kitchen | f cuisine | f Küche Küche Küchen
house | f maison | n Haus Hauses Häuser
park | m parc | m Park Parks Parks
school | f école | f Schule Schule Schulen
office | m bureau bureaux | n Büro Büros Büros
forest | f forêt | m Wald Waldes Wälder
village | m village | n Dorf Dorfes Dörfer
museum | m musée | n Museum Museums Museen
station | f gare | m Bahnhof Bahnhofs Bahnhöfe
shop | m magasin | m Laden Ladens Läden
library libraries | f bibliothèque | f Bibliothek Bibliothek Bibliotheken
hotel | m hôtel | n Hotel Hotels Hotels
restaurant | m restaurant | n Restaurant Restaurants Restaurants
church churches | f église | f Kirche Kirche Kirchen
town | f ville | f Stadt Stadt Städte
castle | m château châteaux | n Schloss Schlosses Schlösser
hospital | m hôpital hôpitaux | n Krankenhaus Krankenhauses Krankenhäuser
""",
}

# Compounds: English modifier | French with "de" | German first part; each goes with each head of its row.
_COMPOUNDS = (
    (
        "drink",
        "apple | pomme | Apfel; orange | orange | Orangen; cherry | cerise | Kirsch; lemon | citron | Zitronen; "
        "pear | poire | Birnen; grape | raisin | Trauben; strawberry | fraise | Erdbeer; peach | pêche | Pfirsich",
        "juice | m jus jus | m saft saftes säfte; syrup | m sirop | m sirup sirups sirupe",
    ),
    (
        "dish",
        "tomato | tomates | Tomaten; carrot | carottes | Karotten; potato | pommes de terre | Kartoffel; "
        "mushroom | champignons | Pilz; lentil | lentilles | Linsen; vegetable | légumes | Gemüse; "
        "fish | poisson | Fisch; bean | haricots | Bohnen",
        "soup | f soupe | f suppe suppe suppen; salad | f salade | m salat salats salate",
    ),
    (
        "furniture",
        "kitchen | cuisine | Küchen; garden | jardin | Garten; office | bureau | Büro; school | école | Schul",
        "table | f table | m tisch tisches tische; chair | f chaise | m stuhl stuhls stühle",
    ),
    (
        "machine",
        "kitchen | cuisine | Küchen; garden | jardin | Garten; office | bureau | Büro; bedside | chevet | Nachttisch",
        "lamp | f lampe | f lampe lampe lampen",
    ),
    (
        "opening",
        "kitchen | cuisine | Küchen; garden | jardin | Garten; office | bureau | Büro; church | église | Kirchen; "
        "school | école | Schul",
        "door | f porte | f tür tür türen; window | f fenêtre | n fenster fensters fenster",
    ),
)

# English | French masculine feminine [plurals] [:before vowel] before/after | German [stem] | kinds
_ADJECTIVES = """
big | grand grande before | groß | animal thing clothes furniture opening machine document food place
small | petit petite before | klein | person animal thing clothes furniture opening machine document food place
old | vieux vieille vieux vieilles :vieil before | alt | person animal thing clothes furniture opening machine document place
young | jeune jeune before | jung | person animal
new | nouveau nouvelle nouveaux nouvelles :nouvel before | neu | thing clothes furniture opening machine document place
beautiful | beau belle beaux belles :bel before | schön | person animal thing clothes furniture document place
good | bon bonne before | gut | document food dish drink
bad | mauvais mauvaise mauvais mauvaises before | schlecht | document food dish drink
pretty | joli jolie before | hübsch | clothes place animal
red | rouge rouge after | rot | thing clothes furniture opening machine
green | vert verte after | grün | thing clothes furniture opening machine
blue | bleu bleue after | blau | thing clothes furniture opening machine
white | blanc blanche after | weiß | animal thing clothes furniture opening machine
black | noir noire after | schwarz | animal thing clothes furniture opening machine
yellow | jaune jaune after | gelb | thing clothes furniture machine
expensive | cher chère after | teuer teur | thing clothes furniture machine food dish drink
heavy | lourd lourde after | schwer | thing furniture machine
empty | vide vide after | leer | place
clean | propre propre after | sauber | clothes furniture place
dirty | sale sale after | schmutzig | clothes animal place
interesting | intéressant intéressante after | interessant | document place
boring | ennuyeux ennuyeuse ennuyeux ennuyeuses after | langweilig | document place
famous | célèbre célèbre after | berühmt | person document place
intelligent | intelligent intelligente after | intelligent | person animal
tired | fatigué fatiguée after | müde müd | person animal
happy | heureux heureuse heureux heureuses after | glücklich | person
sad | triste triste after | traurig | person document
rich | riche riche after | reich | person
strong | fort forte after | stark | person animal
quiet | calme calme after | ruhig | person animal place
dangerous | dangereux dangereuse dangereux dangereuses after | gefährlich | animal
fresh | frais fraîche frais fraîches after | frisch | food dish
hot | chaud chaude after | heiß | dish drink
cold | froid froide after | kalt | dish drink
"""  # noqa: E501

# English base third past [+particle] [~tail] | French infinitive present participle auxiliary [@preposition] [~tail] |
# German infinitive [du,er] participle auxiliary [@case or preposition+case] [~tail] | frame kinds
# French present: one stem, two stems with "/", or six forms with ","; "se_" is reflexive. German prefix before "+".
_VERBS = """
buy buys bought | acheter achèt/achet acheté avoir | kaufen - gekauft haben | object thing clothes furniture machine document food dish drink
see sees saw | voir vois,vois,voit,voyons,voyez,voient vu avoir | sehen siehst,sieht gesehen haben | object person animal thing place document
find finds found | trouver trouv trouvé avoir | finden - gefunden haben | object person animal thing clothes document
+look looks looked +for | chercher cherch cherché avoir | suchen - gesucht haben | object person animal thing clothes document
love loves loved | aimer aim aimé avoir | lieben - geliebt haben | object person animal place document
paint paints painted | peindre peins,peins,peint,peignons,peignez,peignent peint avoir | malen - gemalt haben | object animal place thing
carry carries carried | porter port porté avoir | tragen trägst,trägt getragen haben | object thing furniture machine
clean cleans cleaned | nettoyer nettoi/nettoy nettoyé avoir | putzen - geputzt haben | object furniture opening place machine
wash washes washed | laver lav lavé avoir | waschen wäschst,wäscht gewaschen haben | object clothes animal food
repair repairs repaired | réparer répar réparé avoir | reparieren - repariert haben | object furniture opening machine
forget forgets forgot | oublier oubli oublié avoir | vergessen vergisst,vergisst vergessen haben | object thing clothes document
lose loses lost | perdre perds,perds,perd,perdons,perdez,perdent perdu avoir | verlieren - verloren haben | object thing clothes document
take takes took | prendre prends,prends,prend,prenons,prenez,prennent pris avoir | nehmen nimmst,nimmt genommen haben | object thing clothes document food
read reads read | lire lis,lis,lit,lisons,lisez,lisent lu avoir | lesen liest,liest gelesen haben | object document
write writes wrote | écrire écris,écris,écrit,écrivons,écrivez,écrivent écrit avoir | schreiben - geschrieben haben | object document
understand understands understood | comprendre comprends,comprends,comprend,comprenons,comprenez,comprennent compris avoir | verstehen - verstanden haben | object person document
hear hears heard | entendre entends,entends,entend,entendons,entendez,entendent entendu avoir | hören - gehört haben | object person animal
know knows knew | connaître connais,connais,connaît,connaissons,connaissez,connaissent connu avoir | kennen - gekannt haben | object person place document
eat eats ate | manger mang mangé avoir | essen isst,isst gegessen haben | object food dish
drink drinks drank | boire bois,bois,boit,buvons,buvez,boivent bu avoir | trinken - getrunken haben | object drink
visit visits visited | visiter visit visité avoir | besuchen - besucht haben | object place
help helps helped | aider aid aidé avoir | helfen hilfst,hilft geholfen haben @dat | object person animal
thank thanks thanked | remercier remerci remercié avoir | danken - gedankt haben @dat | object person
follow follows followed | suivre suis,suis,suit,suivons,suivez,suivent suivi avoir | folgen - gefolgt sein @dat | object person animal
answer answers answered | répondre réponds,réponds,répond,répondons,répondez,répondent répondu avoir @à | antworten - geantwortet haben @dat | object person
+wait waits waited +for | attendre attends,attends,attend,attendons,attendez,attendent attendu avoir | warten - gewartet haben @auf+acc | object person animal
+think thinks thought +of | penser pens pensé avoir @à | denken - gedacht haben @an+acc | object person place
+talk talks talked +to | parler parl parlé avoir @à | sprechen sprichst,spricht gesprochen haben @mit+dat | object person animal
+look looks looked +at | regarder regard regardé avoir | an+sehen siehst,sieht angesehen haben | object person animal thing
+listen listens listened +to | écouter écout écouté avoir | zu+hören - zugehört haben @dat | object person
open opens opened | ouvrir ouvre,ouvres,ouvre,ouvrons,ouvrez,ouvrent ouvert avoir | auf+machen - aufgemacht haben | object opening
close closes closed | fermer ferm fermé avoir | zu+machen - zugemacht haben | object opening
turn turns turned +on | allumer allum allumé avoir | ein+schalten - eingeschaltet haben | object machine
+turn turns turned +off | éteindre éteins,éteins,éteint,éteignons,éteignez,éteignent éteint avoir | aus+schalten - ausgeschaltet haben | object machine
invite invites invited | inviter invit invité avoir | ein+laden lädst,lädt eingeladen haben | object person
call calls called | appeler appell/appel appelé avoir | an+rufen - angerufen haben | object person
prepare prepares prepared | préparer prépar préparé avoir | zu+bereiten - zubereitet haben | object dish
+tidy tidies tidied +up | ranger rang rangé avoir | auf+räumen - aufgeräumt haben | object place
+put puts put +on | mettre mets,mets,met,mettons,mettez,mettent mis avoir | an+ziehen - angezogen haben | object clothes
have has had | avoir ai,as,a,avons,avez,ont eu avoir | haben hast,hat gehabt haben | object thing clothes animal
give gives gave | donner donn donné avoir | geben gibst,gibt gegeben haben | give thing clothes document food animal
show shows showed | montrer montr montré avoir | zeigen - gezeigt haben | give thing clothes document place
sell sells sold | vendre vends,vends,vend,vendons,vendez,vendent vendu avoir | verkaufen - verkauft haben | give thing clothes animal food
send sends sent | envoyer envoi/envoy envoyé avoir | schicken - geschickt haben | give thing document
bring brings brought | apporter apport apporté avoir | mit+bringen - mitgebracht haben | give thing food document
sleep sleeps slept | dormir dors,dors,dort,dormons,dormez,dorment dormi avoir | schlafen schläfst,schläft geschlafen haben | alone
work works worked | travailler travaill travaillé avoir | arbeiten - gearbeitet haben | alone
sing sings sang | chanter chant chanté avoir | singen - gesungen haben | alone
laugh laughs laughed | rire ris,ris,rit,rions,riez,rient ri avoir | lachen - gelacht haben | alone
dance dances danced | danser dans dansé avoir | tanzen - getanzt haben | alone
play plays played | jouer jou joué avoir | spielen - gespielt haben | alone
cry cries cried | pleurer pleur pleuré avoir | weinen - geweint haben | alone
cook cooks cooked | cuisiner cuisin cuisiné avoir | kochen - gekocht haben | alone
arrive arrives arrived | arriver arriv arrivé être | an+kommen - angekommen sein | alone
leave leaves left | partir pars,pars,part,partons,partez,partent parti être | ab+reisen - abgereist sein | bare
+get gets got +up | se_lever lèv/lev levé être | auf+stehen - aufgestanden sein | bare
+wake wakes woke +up | se_réveiller réveill réveillé être | auf+wachen - aufgewacht sein | bare
+fall falls fell +asleep | s'endormir endors,endors,endort,endormons,endormez,endorment endormi être | ein+schlafen schläfst,schläft eingeschlafen sein | bare
+come comes came +back | revenir reviens,reviens,revient,revenons,revenez,reviennent revenu être | zurück+kommen - zurückgekommen sein | bare
go goes went | aller vais,vas,va,allons,allez,vont allé être | gehen - gegangen sein | go
come comes came | venir viens,viens,vient,venons,venez,viennent venu être | kommen - gekommen sein | go
run runs ran | courir cours,cours,court,courons,courez,courent couru avoir | laufen läufst,läuft gelaufen sein | go
return returns returned | retourner retourn retourné être | zurück+kehren - zurückgekehrt sein | go
say says said | dire dis,dis,dit,disons,dites,disent dit avoir | sagen - gesagt haben | report
believe believes believed | croire crois,crois,croit,croyons,croyez,croient cru avoir | glauben - geglaubt haben | report
+know_that knows knew | savoir sais,sais,sait,savons,savez,savent su avoir | wissen weißt,weiß gewusst haben | report
hope hopes hoped | espérer espèr/espér espéré avoir | hoffen - gehofft haben | report
explain explains explained | expliquer expliqu expliqué avoir | erklären - erklärt haben | report
let lets let ~the_cat_out_of_the_bag | vendre vends,vends,vend,vendons,vendez,vendent vendu avoir ~la_mèche | lassen lässt,lässt gelassen haben ~die_Katze_aus_dem_Sack | idiom
beat beats beat ~around_the_bush | tourner tourn tourné avoir ~autour_du_pot | herum+reden - herumgeredet haben ~um_den_heißen_Brei | idiom
+sleep sleeps slept ~like_a_log | dormir dors,dors,dort,dormons,dormez,dorment dormi avoir ~comme_une_souche | schlafen schläfst,schläft geschlafen haben ~wie_ein_Stein | idiom
throw throws threw ~in_the_towel | jeter jett/jet jeté avoir ~l'éponge | werfen wirfst,wirft geworfen haben ~das_Handtuch | idiom
miss misses missed ~the_boat | rater rat raté avoir ~le_coche | verpassen - verpasst haben ~den_Anschluss | idiom
+eat eats ate ~like_a_horse | manger mang mangé avoir ~comme_quatre | essen isst,isst gegessen haben ~wie_ein_Scheunendrescher | idiom
+take takes took ~the_bull_by_the_horns | prendre prends,prends,prend,prenons,prenez,prennent pris avoir ~le_taureau_par_les_cornes | packen - gepackt haben ~den_Stier_bei_den_Hörnern | idiom
hit hits hit ~the_nail_on_the_head | taper tap tapé avoir ~dans_le_mille | treffen triffst,trifft getroffen haben ~den_Nagel_auf_den_Kopf | idiom
build builds built ~castles_in_the_air | bâtir bâtis,bâtis,bâtit,bâtissons,bâtissez,bâtissent bâti avoir ~des_châteaux_en_Espagne | bauen - gebaut haben ~Luftschlösser | idiom
cost costs cost | coûter coût coûté avoir | kosten - gekostet haben | cost
+cost costs cost ~an_arm_and_a_leg | coûter coût coûté avoir ~les_yeux_de_la_tête | kosten - gekostet haben ~ein_Vermögen | dear
rain rains rained ~cats_and_dogs | pleuvoir -,-,pleut,-,-,- plu avoir ~des_cordes | regnen regnest,regnet geregnet haben ~in_Strömen | weather
want wants wanted | vouloir veux,veux,veut,voulons,voulez,veulent voulu avoir | wollen willst,will gewollt haben | modal
must must must | devoir dois,dois,doit,devons,devez,doivent dû avoir | müssen musst,muss gemusst haben | modal
can can could | pouvoir peux,peux,peut,pouvons,pouvez,peuvent pu avoir | können kannst,kann gekonnt haben | modal
"""  # noqa: E501

MEN = ("Paul", "Thomas", "Lucas", "Peter", "Felix", "Simon", "Oscar", "Hugo", "Leo", "Martin")
WOMEN = ("Anna", "Marie", "Sophie", "Emma", "Julia", "Laura", "Clara", "Alice", "Nina", "Eva")
# Family and town names that exist nowhere: three syllables each, some ten thousand.
FAMILY_NAMES = (
    ("Bar", "Cor", "Dal", "Fen", "Gal", "Jor", "Kel", "Lam", "Mor", "Nar", "Pel", "Rin", "Sel", "Tar", "Var", "Wen"),
    ("a", "e", "i", "o", "u", "do", "li", "ma", "ne", "ri", "sa", "to", "va"),
    ("bert", "dan", "gard", "kin", "land", "mann", "nay", "ral", "son", "tis", "vick", "zier"),
)
TOWNS = (
    ("Bel", "Cas", "Dor", "Fal", "Gran", "Kar", "Lor", "Mon", "Nor", "Pas", "Ros", "San", "Tor", "Val", "Win", "Zel"),
    ("ba", "de", "fi", "go", "la", "me", "ni", "po", "ra", "se", "ta", "ve"),
    ("burg", "cona", "dorf", "lia", "mont", "nia", "ville", "ton", "stad", "rello", "vik", "za"),
)
DAYS = {"today": ("aujourd'hui", "heute"), "yesterday": ("hier", "gestern"), "now": ("maintenant", "jetzt")}
WEEKDAYS = {
    "Monday": ("lundi", "Montag"),
    "Tuesday": ("mardi", "Dienstag"),
    "Wednesday": ("mercredi", "Mittwoch"),
    "Thursday": ("jeudi", "Donnerstag"),
    "Friday": ("vendredi", "Freitag"),
    "Saturday": ("samedi", "Samstag"),
    "Sunday": ("dimanche", "Sonntag"),
}
MONTHS = {
    "January": ("janvier", "Januar"),
    "February": ("février", "Februar"),
    "March": ("mars", "März"),
    "April": ("avril", "April"),
    "May": ("mai", "Mai"),
    "June": ("juin", "Juni"),
    "July": ("juillet", "Juli"),
    "August": ("août", "August"),
    "September": ("septembre", "September"),
    "October": ("octobre", "Oktober"),
    "November": ("novembre", "November"),
    "December": ("décembre", "Dezember"),
}
FREQUENCIES = {"often": ("souvent", "oft"), "always": ("toujours", "immer"), "sometimes": ("parfois", "manchmal")}
NEGATIONS = {"not": ("pas", "nicht"), "never": ("jamais", "nie"), "no longer": ("plus", "nicht mehr")}


def _french_noun(text: str) -> FrenchNoun:
    gender, singular, *plural = text.split()
    return FrenchNoun(gender, singular, plural[0] if plural else singular + "s")


def _german_noun(text: str) -> GermanNoun:
    gender, singular, genitive, plural, *weak = text.split()
    return GermanNoun(gender, singular, genitive, plural, bool(weak))


def _noun(line: str, kind: str) -> Noun:
    english, french, german = (column.strip() for column in line.split("|"))
    singular, *plural = english.split()
    french, _, french_woman = french.partition(" / ")
    german, _, german_woman = german.partition(" / ")
    feminines = None
    if german_woman:
        one, many = german_woman.split()
        feminines = (_french_noun(f"f {french_woman}"), _german_noun(f"f {one} {one} {many}"))
    forms = (singular, plural[0] if plural else singular + "s")
    return Noun(singular, forms, _french_noun(french), _german_noun(german), kind, feminines)


def _compounds() -> list[Noun]:
    made = []
    for kind, modifiers, heads in _COMPOUNDS:
        for modifier in modifiers.split(";"):
            for head in heads.split(";"):
                made.append(_compound(modifier, head, kind))
    return made


def _compound(modifier: str, head: str, kind: str) -> Noun:
    english, french, german = (column.strip() for column in modifier.split("|"))
    noun = _noun(head, kind)
    de = "d'" if french[0] in "aeiouéê" else "de "
    one, many, genitive = (german + part for part in (noun.german.singular, noun.german.plural, noun.german.genitive))
    return Noun(
        f"{english} {noun.key}",
        (f"{english} {noun.english[0]}", f"{english} {noun.english[1]}"),
        FrenchNoun(noun.french.gender, f"{noun.french.singular} {de}{french}", f"{noun.french.plural} {de}{french}"),
        GermanNoun(noun.german.gender, one, genitive, many),
        kind,
        parts=(english, noun.key),
    )


def _adjective(line: str) -> Adjective:
    english, french, german, kinds = (column.strip() for column in line.split("|"))
    *forms, place = french.split()
    special = [form[1:] for form in forms if form.startswith(":")]
    forms = [form for form in forms if not form.startswith(":")]
    if len(forms) == 2:
        forms += [form + "s" for form in forms]
    predicative, *stem = german.split()
    return Adjective(
        english,
        english,
        tuple(forms),
        special[0] if special else forms[0],
        place == "before",
        predicative,
        stem[0] if stem else predicative,
        frozenset(kinds.split()),
    )


def _marked(words: list[str], mark: str) -> tuple[list[str], str]:
    """The words without those that begin with `mark`, and what follows the mark."""
    found = [word[1:].replace("_", " ") for word in words if word.startswith(mark)]
    return [word for word in words if not word.startswith(mark)], " ".join(found)


def _english_verb(text: str) -> EnglishVerb:
    words, tail = _marked(text.removeprefix("+").split(), "~")
    words, particle = _marked(words, "+")
    return EnglishVerb(words[0].removesuffix("_that"), words[1], words[2], particle, tail)


def _french_verb(text: str) -> FrenchVerb:
    words, tail = _marked(text.split(), "~")
    words, preposition = _marked(words, "@")
    infinitive, present, participle, auxiliary = words
    reflexive = infinitive.startswith(("se_", "s'"))
    bare = infinitive.removeprefix("se_").removeprefix("s'")
    return FrenchVerb(bare, _french_present(present), participle, auxiliary, reflexive, preposition, tail)


def _french_present(spec: str) -> tuple[str, ...]:
    if "," in spec:
        return tuple(spec.split(","))
    strong, _, weak = spec.partition("/")
    weak = weak or strong
    we = weak + "eons" if weak.endswith("g") else weak[:-1] + "çons" if weak.endswith("c") else weak + "ons"
    return (strong + "e", strong + "es", strong + "e", we, weak + "ez", strong + "ent")


def _german_verb(text: str) -> GermanVerb:
    words, tail = _marked(text.split(), "~")
    words, government = _marked(words, "@")
    infinitive, irregular, participle, auxiliary = words
    prefix, _, base = infinitive.rpartition("+")
    preposition, _, case = government.rpartition("+")
    present = _german_present(base, irregular)
    return GermanVerb(base, present, participle, auxiliary, prefix, case or "acc", preposition, tail)


def _german_present(infinitive: str, irregular: str) -> tuple[str, ...]:
    stem = infinitive.removesuffix("en") if infinitive.endswith("en") else infinitive.removesuffix("n")
    link = "e" if stem.endswith(("t", "d", "gn")) else ""
    du = stem + ("t" if stem.endswith(("s", "ß", "z", "x")) else link + "st")
    er = stem + link + "t"
    if irregular != "-":
        du, er = irregular.split(",")
    # Modal verbs and "wissen" have no ending in the first and third person.
    ich = er if not er.endswith("t") else stem + "e"
    return (ich, du, er, infinitive, stem + link + "t", infinitive)


def _verb(line: str) -> Verb:
    english, french, german, frame = (column.strip() for column in line.split("|"))
    name, *kinds = frame.split()
    verb = _english_verb(english)
    key = " ".join(filter(None, (english.removeprefix("+").split()[0], verb.particle, verb.tail)))
    subjects = {
        "alone": {"person", "animal"},
        "cost": {"thing", "clothes", "furniture", "machine"},
        "dear": {"thing", "clothes", "furniture", "machine"},
    }.get(name, {"person"})
    return Verb(key, verb, _french_verb(french), _german_verb(german), name, frozenset(kinds), frozenset(subjects))


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


NOUNS: dict[str, Noun] = {
    noun.key: noun
    for noun in [*(_noun(line, kind) for kind, text in _NOUNS.items() for line in _lines(text)), *_compounds()]
}
ADJECTIVES: dict[str, Adjective] = {one.key: one for one in map(_adjective, _lines(_ADJECTIVES))}
VERBS: dict[str, Verb] = {one.key: one for one in map(_verb, _lines(_VERBS))}
# What has no plural and, in French, "du" or "de la".
MASS = frozenset({"dish", "drink"})
