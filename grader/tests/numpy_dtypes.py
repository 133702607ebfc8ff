"""What hypothesis may choose a dtype from, for the tests of what crosses between the kernels."""

from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

FIXED_SIZE = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?"),
    hnp.complex_number_dtypes(endianness="?"),
    hnp.datetime64_dtypes(endianness="?"),
    hnp.timedelta64_dtypes(endianness="?"),
    hnp.byte_string_dtypes(min_len=1, max_len=5),
)
