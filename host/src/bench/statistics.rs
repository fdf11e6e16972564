//! Medians, and whether two series of rounds differ by more than noise.

/// Rounds below which nothing is said about a difference.
const ROUNDS_LEAST: usize = 5;
/// Below this a difference is none, however even the rounds are: code that is laid out otherwise makes as much.
const NOISE_LEAST: f64 = 2.0;

/// How a plugin compares with another one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// How much more it takes, in percent; negative is less.
    pub percent: f64,
    /// How much single rounds differ from that, in percent: half of them less.
    pub noise: f64,
}

impl Difference {
    /// Whether it is more than noise.
    pub fn is_clear(&self) -> bool {
        self.percent.abs() > self.noise
    }
}

/// Compares two series, round by round: what else the machine did in a round met both. `None` where there are too few.
pub fn difference(first: &[f64], other: &[f64]) -> Option<Difference> {
    let percents: Vec<f64> = first
        .iter()
        .zip(other)
        .filter(|(first, _)| **first > 0.0)
        .map(|(first, other)| (other / first - 1.0) * 100.0)
        .collect();
    if percents.len() < ROUNDS_LEAST {
        return None;
    }
    let percent = median(&percents);
    let distances: Vec<f64> = percents.iter().map(|one| (one - percent).abs()).collect();
    Some(Difference {
        percent,
        noise: median(&distances).max(NOISE_LEAST),
    })
}

/// The one in the middle, of two the mean; 0 where there is none.
pub fn median(values: &[f64]) -> f64 {
    let sorted = sorted(values);
    let upper = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        count if count.is_multiple_of(2) => f64::midpoint(sorted[upper - 1], sorted[upper]),
        _ => sorted[upper],
    }
}

/// The least value that so large a share of all is not above; 0 where there is none.
pub fn quantile(values: &[f64], share: f64) -> f64 {
    let sorted = sorted(values);
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied().unwrap_or(0.0)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!((median(&values), quantile(&values, 0.99)), (50.5, 99.0));
        assert_eq!(quantile(&values, 0.5), 50.0);
        assert_eq!((median(&[]), median(&[7.0])), (0.0, 7.0));
    }

    #[test]
    fn a_clear_difference_is_told_from_noise() {
        let first = [100.0, 140.0, 100.0, 90.0, 100.0, 300.0];
        let slower = first.map(|one| one * 1.2);
        let clear = difference(&first, &slower).expect("enough rounds");
        assert!(
            clear.is_clear() && (clear.percent - 20.0).abs() < 0.1,
            "{clear:?}"
        );
        let noisy = [104.0, 100.0, 130.0, 70.0, 101.0, 250.0];
        let none = difference(&first, &noisy).expect("enough rounds");
        assert!(!none.is_clear(), "{none:?}");
        assert!(!difference(&first, &first).expect("enough").is_clear());
        assert_eq!(difference(&first[..4], &slower[..4]), None);
    }
}
