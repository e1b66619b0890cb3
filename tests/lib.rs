//! What is true of the whole.
