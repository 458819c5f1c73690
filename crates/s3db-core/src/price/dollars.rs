//! Sums of money, as people read them.

use std::fmt;

/// Digits behind the first one that is not zero, of sums below a cent.
const SMALL_DIGITS: i32 = 2;

/// US dollars. Requests cost millionths of a dollar, so that small sums show as many digits as they need.
///
/// ```
/// use s3db_core::price::Dollars;
///
/// let shown = [0.0, 0.000_005_4, 0.004_05, 0.12, 1234.5].map(|sum| Dollars(sum).to_string());
/// assert_eq!(shown, ["$0", "$0.0000054", "$0.00405", "$0.12", "$1234.50"]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Dollars(pub f64);

impl fmt::Display for Dollars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sum = self.0;
        if sum == 0.0 || !sum.is_finite() {
            return write!(f, "${sum}");
        }
        if sum.abs() >= 0.01 {
            return write!(f, "${sum:.2}");
        }
        let first = -sum.abs().log10().floor() as i32;
        let digits = usize::try_from((first + SMALL_DIGITS).clamp(2, 15)).unwrap_or(2);
        let text = format!("{sum:.digits$}");
        write!(f, "${}", text.trim_end_matches('0'))
    }
}
