//! Random numbers for plugins: the system's own, read in blocks.

const BLOCK_BYTES: usize = 256;

/// A source of numbers, one for each instance.
pub(crate) struct Random {
    block: [u8; BLOCK_BYTES],
    used: usize,
}

impl Default for Random {
    fn default() -> Random {
        Random {
            block: [0; BLOCK_BYTES],
            used: BLOCK_BYTES,
        }
    }
}

impl Random {
    pub(crate) fn next(&mut self) -> Result<u64, getrandom::Error> {
        if self.used == BLOCK_BYTES {
            getrandom::fill(&mut self.block)?;
            self.used = 0;
        }
        let bytes = std::array::from_fn(|index| self.block[self.used + index]);
        self.used += size_of::<u64>();
        Ok(u64::from_le_bytes(bytes))
    }
}
