//! Random numbers for jitter, so that replicas do not all knock at the same moment. Never for secrets.

/// A small generator (splitmix64). Given the same seed it gives the same numbers, which tests use.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// A seed from the operating system; where that fails, one from the clock and the process.
    pub(crate) fn new() -> Self {
        Self::seeded(getrandom::u64().unwrap_or_else(|_| fallback()))
    }

    /// Always the same numbers for the same seed.
    pub(crate) fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        number ^ (number >> 31)
    }

    /// From 0 up to, but not, 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        // 53 bits are what a double holds exactly.
        (self.number() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

fn fallback() -> u64 {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    u64::from(since.subsec_nanos()) ^ (since.as_secs() << 30) ^ u64::from(std::process::id())
}
