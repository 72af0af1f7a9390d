//! How much work a hash is.

use std::fmt;

/// The logarithm of how often the key is set up: a hash of cost 12 is set up 2^12 times. One more doubles the work.
///
/// OWASP's Password Storage Cheat Sheet asks for 10 or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cost(u32);

/// A cost that is not 4 to 31.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cost of a bcrypt hash is {} to {}", Cost::MIN, Cost::MAX)]
pub struct CostOutOfRange;

impl Cost {
    /// The lowest cost that the algorithm knows; good for tests alone.
    pub const MIN: Self = Self(4);

    /// The highest. A hash of it takes a day or two.
    pub const MAX: Self = Self(31);

    /// A cost of 4 to 31.
    ///
    /// # Errors
    /// When it is any other.
    pub const fn new(cost: u32) -> Result<Self, CostOutOfRange> {
        if Self::MIN.0 <= cost && cost <= Self::MAX.0 {
            Ok(Self(cost))
        } else {
            Err(CostOutOfRange)
        }
    }

    /// The number, 4 to 31.
    pub const fn get(self) -> u32 {
        self.0
    }

    pub(crate) const fn repetitions(self) -> u32 {
        1 << self.0
    }
}

impl TryFrom<u32> for Cost {
    type Error = CostOutOfRange;

    fn try_from(cost: u32) -> Result<Self, CostOutOfRange> {
        Self::new(cost)
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cost_is_4_to_31() {
        for cost in [0, 3, 32, u32::MAX] {
            assert_eq!(Cost::new(cost), Err(CostOutOfRange));
        }
        for cost in 4..=31 {
            assert_eq!(Cost::new(cost).unwrap().get(), cost);
        }
        assert_eq!(
            CostOutOfRange.to_string(),
            "the cost of a bcrypt hash is 4 to 31"
        );
    }

    #[test]
    fn one_more_doubles_the_work() {
        assert_eq!(Cost::MIN.repetitions(), 16);
        assert_eq!(Cost::MAX.repetitions(), 2_147_483_648);
    }
}
