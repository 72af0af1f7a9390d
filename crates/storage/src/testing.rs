//! The contract suite: what every store does, on whatever database.
