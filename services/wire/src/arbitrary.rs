//! Any event that the domain can hold, for property tests.
