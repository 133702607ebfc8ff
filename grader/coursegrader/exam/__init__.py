"""The exam: the student's notebook in one kernel, the tests in another that the student's code cannot reach.

`coursegrader.exam.session.run` takes a restored notebook and gives it back executed, with what each test earned.
This file imports nothing: `agent` and `examiner` are loaded into kernels, where the rest of the grader has no business.
"""
