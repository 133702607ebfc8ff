"""Every way in which a file can be missing, damaged or refused, against a server on this machine."""

import errno
import hashlib
import http.server
import io
import tarfile
import threading
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from coursedata import ChecksumMismatch, DataUnavailable, NoDiskSpace, UnknownDataset, cifar10, fetch, fetching, mnist
from coursedata.registry import CARDS, PreparedFile
from PIL import Image

NUM_EACH = {"train": 3, "test": 2}


def image_bytes(shape: tuple[int, ...], seed: int, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, shape, np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def pack(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def cifar10_files() -> dict[str, bytes]:
    """An archive's files like the origin's, in another order than the prepared form's, with bystanders."""
    files = {
        f"top/{part}/{name}/{number:04}.jpg": image_bytes((32, 32, 3), 100 * label + number, "JPEG")
        for part, num in NUM_EACH.items()
        for label, name in enumerate(cifar10.CLASS_NAMES)
        for number in reversed(range(num))
    }
    return {"top/README.md": b"pictures", "top/../../train/cat/0009.jpg": b"outside", **files}


@contextmanager
def server(answer):
    """Serves what `answer` (a function of the request handler) writes, on a free port; gives the address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            answer(self)

        def log_message(self, *_):
            """Nothing: a test's own output should be its result."""

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{running.server_port}/archive.tar.gz"
    finally:
        running.shutdown()
        running.server_close()


def sends(body: bytes, length: int | None = None, status: int = 200):
    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A machine of its own: an empty cache, no COURSE_DATA, and a small CIFAR-10 whose card has the right digest."""
    cache, archive, prepared = tmp_path / "cache", tmp_path / "archive", tmp_path / "prepared.npz"
    archive.write_bytes(pack(cifar10_files()))
    cifar10.prepare(archive, prepared)
    digested = {part: 10 * num for part, num in NUM_EACH.items()}
    digest = cifar10.content_sha256(prepared, digested)
    monkeypatch.delenv(fetching.VARIABLE, raising=False)
    monkeypatch.setattr(fetching, "cache_folder", lambda: cache)
    preparer = SimpleNamespace(
        prepare=cifar10.prepare, content_sha256=lambda path: cifar10.content_sha256(path, digested)
    )
    monkeypatch.setitem(fetching.PREPARERS, "cifar10", preparer)

    def register(address: str, files: tuple[PreparedFile, ...] = CARDS["cifar10"].files) -> None:
        card = replace(CARDS["cifar10"], download=address, content_sha256=digest, files=files)
        monkeypatch.setitem(CARDS, "cifar10", card)

    return SimpleNamespace(cache=cache, archive=archive.read_bytes(), prepared=prepared, register=register)


def left_behind(place) -> list[str]:
    return [str(path.relative_to(place.cache)) for path in place.cache.rglob("*") if path.is_file()]


def test_a_download_is_prepared_verified_and_kept(place):
    requests = []

    def answer(handler):
        requests.append(handler.path)
        sends(place.archive)(handler)

    with server(answer) as address:
        place.register(address)
        path = fetch("cifar10")
        assert fetch("cifar10") == path
    assert path == place.cache / "cifar10" / "cifar10_jpeg.npz"
    assert len(requests) == 1
    assert left_behind(place) == ["cifar10/cifar10_jpeg.npz"]
    x_train, y_train, x_test, y_test, names = cifar10.load(path, 30, 20)
    assert y_train.tolist() == [*range(10)] * 3 and y_test.tolist() == [*range(10)] * 2
    assert names == cifar10.CLASS_NAMES
    # The second image of class 3 comes as number 13: numbers in order, classes taking turns.
    expected = np.asarray(Image.open(io.BytesIO(image_bytes((32, 32, 3), 301, "JPEG"))))
    np.testing.assert_array_equal(x_train[13], expected)
    assert x_test.shape == (20, 32, 32, 3)


def test_a_damaged_body_is_refused_and_removed(place):
    damaged = bytearray(place.archive)
    damaged[len(damaged) // 2] ^= 0xFF
    with server(sends(bytes(damaged))) as address:
        place.register(address)
        with pytest.raises(ChecksumMismatch, match="was removed: try again.*COURSE_DATA"):
            fetch("cifar10")
    assert left_behind(place) == []


@pytest.mark.parametrize("body", [b"", b"<html>please sign in</html>"], ids=["empty", "a web page"])
def test_something_else_than_an_archive_is_refused(place, body):
    with server(sends(body)) as address:
        place.register(address)
        with pytest.raises(ChecksumMismatch, match="is damaged"):
            fetch("cifar10")
    assert left_behind(place) == []


def test_an_intact_archive_of_other_images_is_refused(place):
    files = cifar10_files()
    files["top/train/cat/0001.jpg"] = image_bytes((32, 32, 3), 999, "JPEG")
    with server(sends(pack(files))) as address:
        place.register(address)
        with pytest.raises(ChecksumMismatch, match="not what its card describes"):
            fetch("cifar10")
    assert left_behind(place) == []


def test_an_archive_that_lacks_an_image_is_refused(place):
    files = cifar10_files()
    del files["top/test/dog/0001.jpg"]
    with server(sends(pack(files))) as address:
        place.register(address)
        with pytest.raises(ChecksumMismatch, match="no equal number of test images"):
            fetch("cifar10")
    assert left_behind(place) == []


def test_a_body_that_ends_early_is_refused(place):
    with server(sends(place.archive[:500], length=len(place.archive))) as address:
        place.register(address)
        with pytest.raises(DataUnavailable, match="broke off and was removed.*COURSE_DATA"):
            fetch("cifar10")
    assert left_behind(place) == []


def test_a_missing_page_is_named_with_its_status(place):
    with server(sends(b"not here", status=404)) as address:
        place.register(address)
        with pytest.raises(DataUnavailable, match="answered 404.*COURSE_DATA"):
            fetch("cifar10")
    assert left_behind(place) == []


def test_offline_the_variable_the_file_and_the_layout_are_named(place):
    with server(sends(b"")) as address:
        pass  # The server has stopped: its port refuses connections.
    place.register(address)
    with pytest.raises(DataUnavailable) as caught:
        fetch("cifar10")
    for words in (
        "cannot be reached",
        "COURSE_DATA",
        "cifar10/cifar10_jpeg.npz",
        "cifar10_jpeg_20k.npz",
        "data/README.md",
    ):
        assert words in str(caught.value)
    assert left_behind(place) == []


def test_a_full_disk_is_said_and_leaves_nothing(place, monkeypatch):
    def full(_archive, destination: Path):
        destination.write_bytes(b"half a file")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fetching.PREPARERS["cifar10"], "prepare", full)
    with server(sends(place.archive)) as address:
        place.register(address)
        with pytest.raises(NoDiskSpace, match="free about 150 MB"):
            fetch("cifar10")
    assert left_behind(place) == []


def test_a_file_size_limit_stops_a_download_cleanly(place):
    resource = pytest.importorskip("resource", reason="limits on file sizes are a Unix thing")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with server(sends(place.archive)) as address:
        place.register(address)
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
            with pytest.raises(NoDiskSpace):
                fetch("cifar10")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert left_behind(place) == []


def test_a_cache_that_cannot_be_written_is_said(place):
    place.cache.write_text("a file where the folder should be")
    place.register("http://127.0.0.1:9/")
    with pytest.raises(DataUnavailable, match="cannot be kept in .*XDG_CACHE_HOME.*COURSE_DATA"):
        fetch("cifar10")


def test_a_damaged_file_in_the_cache_is_replaced(place):
    damaged = place.cache / "cifar10" / "cifar10_jpeg.npz"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(place.prepared.read_bytes()[:-100])
    with server(sends(place.archive)) as address:
        place.register(address)
        assert fetch("cifar10") == damaged
    assert cifar10.load(damaged, 30, 20)[0].shape == (30, 32, 32, 3)


def own_copy(place, tmp_path, monkeypatch) -> Path:
    path = tmp_path / "own" / "cifar10" / "small.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(place.prepared.read_bytes())
    monkeypatch.setenv(fetching.VARIABLE, str(tmp_path / "own"))
    content = path.read_bytes()
    absent = PreparedFile("large.npz", "0" * 64, 1)
    place.register(
        "http://127.0.0.1:9/", (absent, PreparedFile("small.npz", hashlib.sha256(content).hexdigest(), len(content)))
    )
    return path


def test_the_users_own_folder_comes_first(place, tmp_path, monkeypatch):
    path = own_copy(place, tmp_path, monkeypatch)
    assert fetch("cifar10") == path
    assert left_behind(place) == []


def test_a_damaged_file_of_the_users_own_is_named_and_stays(place, tmp_path, monkeypatch):
    path = own_copy(place, tmp_path, monkeypatch)
    path.write_bytes(b"something else")
    with pytest.raises(ChecksumMismatch, match="replace it") as caught:
        fetch("cifar10")
    assert str(path) in str(caught.value)
    assert path.read_bytes() == b"something else"


def test_a_folder_that_is_none_is_named(place, monkeypatch, tmp_path):
    monkeypatch.setenv(fetching.VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(DataUnavailable, match="nowhere.*no folder: correct it or unset it"):
        fetch("cifar10")


@pytest.mark.parametrize("name", ["multi30k", "tatoeba"])
def test_an_incomplete_set_of_the_users_own_says_what_it_lacks(place, monkeypatch, tmp_path, name):
    first, *others = CARDS[name].files
    (tmp_path / name).mkdir()
    (tmp_path / name / first.name).touch()
    monkeypatch.setenv(fetching.VARIABLE, str(tmp_path))
    with pytest.raises(DataUnavailable, match=f"{name} lacks {', '.join(one.name for one in others)}: put") as caught:
        fetch(name)
    assert ("to download the set" in str(caught.value)) is bool(CARDS[name].download)
    assert first.name not in str(caught.value)


@pytest.mark.parametrize("name", ["imagenet", "object_scenes"])
def test_what_cannot_be_fetched_is_said(name):
    with pytest.raises(UnknownDataset, match=f"^Data set '{name}'.*cifar10, emoji, fsdd, mnist"):
        fetch(name)


def test_mnist_is_prepared_in_the_order_of_its_numbers(tmp_path):
    labels = {"train": [5, 0, 4], "test": [7, 2]}
    files = {
        f"top/{part}/{label}/{number}.png": image_bytes((28, 28), number, "PNG")
        for part, digits in labels.items()
        for number, label in reversed(list(enumerate(digits)))
    }
    archive, prepared = tmp_path / "archive", tmp_path / "mnist.npz"
    archive.write_bytes(pack(files))
    mnist.prepare(archive, prepared)
    with np.load(prepared) as arrays:
        assert arrays["y_train"].tolist() == [5, 0, 4] and arrays["y_test"].tolist() == [7, 2]
        np.testing.assert_array_equal(
            arrays["x_train"][1], np.random.default_rng(1).integers(0, 256, (28, 28), np.uint8)
        )
    first = mnist.content_sha256(prepared)
    np.savez(prepared, **{name: array for name, array in np.load(prepared).items()})
    assert mnist.content_sha256(prepared) == first
