"""Pages for people: feedback for students, the report for staff, and nothing alive of what students wrote."""
