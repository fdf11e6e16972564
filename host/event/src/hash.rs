//! A small, stable, fast hash. Not against attackers: for lanes and for names.
//!
//! Stable means: the same bytes give the same number in every release and on every machine, because
//! ids made of it are stored by sinks. The tests hold its values. 16 bytes a step, each folded by a
//! 64 × 64 → 128 bit multiplication whose halves are combined (as in wyhash).

const KEYS: [u64; 3] = [
    0xa076_1d64_78bd_642f,
    0xe703_7ed1_a0b4_28db,
    0x8ebc_6af0_9c88_c6e3,
];

fn fold(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    product as u64 ^ (product >> 64) as u64
}

/// 64 bits of `bytes`; different seeds give unrelated numbers.
pub(crate) fn hash64(seed: u64, bytes: &[u8]) -> u64 {
    let key = fold(seed ^ KEYS[0], KEYS[1]);
    let mut state = key ^ bytes.len() as u64;
    let (steps, rest) = bytes.as_chunks::<16>();
    for step in steps {
        state = absorb(state, key, step);
    }
    let mut last = [0; 16];
    last[..rest.len()].copy_from_slice(rest);
    state = absorb(state, key, &last);
    fold(state ^ KEYS[2], bytes.len() as u64 ^ KEYS[1])
}

fn absorb(state: u64, key: u64, step: &[u8; 16]) -> u64 {
    let mut low = [0; 8];
    let mut high = [0; 8];
    low.copy_from_slice(&step[..8]);
    high.copy_from_slice(&step[8..]);
    // `state` on the left too: a word that cancels the key must not wipe what came before.
    fold(
        u64::from_le_bytes(low) ^ key,
        u64::from_le_bytes(high) ^ state,
    )
    .wrapping_add(state)
}

/// 128 bits of `bytes`, in 32 hexadecimal digits.
pub(crate) fn hex128(bytes: &[u8]) -> String {
    format!("{:016x}{:016x}", hash64(1, bytes), hash64(2, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_stable() {
        let seen: Vec<String> = ["", "a", "0123456789abcdef", "Pod\0default\0web-1"]
            .iter()
            .map(|text| hex128(text.as_bytes()))
            .collect();
        let expect = [
            "d572fd0013574868a9798cd798063d36",
            "cd9980c7917ff61086264e9fcabfaf4f",
            "c25d9f7e2574aae8fe2e3660935c9c2b",
            "803e61c281e06608b348b59dbd8d4c9f",
        ];
        assert_eq!(seen, expect);
    }

    #[test]
    fn every_bit_counts() {
        let base = [7u8; 40];
        let mut seen = std::collections::BTreeSet::from([hash64(0, &base)]);
        for bit in 0..320 {
            let mut changed = base;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(seen.insert(hash64(0, &changed)), "bit {bit}");
        }
    }
}
