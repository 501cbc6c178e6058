//! Macros of trunkline.
