//! The computation: Provos and Mazières, "A Future-Adaptable Password Scheme" (1999), for several keys at a time.
//!
//! Each round of Blowfish waits for four words of a table, whose places the round before has told. A processor that
//! computes one hash does little but wait, and it cannot find the next hash by itself: that is millions of instructions
//! away. So round by round, each lane takes its turn, and all of them wait at once.

#![expect(
    clippy::indexing_slicing,
    reason = "bytes index tables of 256 words, and constants the rest; with iterators the rounds would be unreadable"
)]

use crate::cost::Cost;
use crate::job::{Job, Salt};
use crate::pi;
use std::array;
use zeroize::Zeroize;

/// What bcrypt gives: 24 bytes are computed, and the last one has always been left away.
pub(crate) type Digest = [u8; 23];

/// "`OrpheanBeholderScryDoubt`".
const TEXT: [[u32; 2]; 3] = [
    [0x4f72_7068, 0x6561_6e42],
    [0x6568_6f6c, 0x6465_7253],
    [0x6372_7944, 0x6f75_6274],
];

type Key = [u32; 18];

struct Blowfish {
    boxes: [[u32; 256]; 4],
    subkeys: Key,
}

/// The ciphers side by side, each in one piece: the places in the tables are then told by adding a constant.
struct Lanes<const N: usize>([Blowfish; N]);

/// A block for each lane, in halves.
#[derive(Clone, Copy)]
struct Blocks<const N: usize> {
    left: [u32; N],
    right: [u32; N],
}

/// Hashes in all lanes at once. The cost is one for all: what the jobs say of it is not looked at.
pub(crate) fn hash<const N: usize>(jobs: [&Job; N], cost: Cost) -> [Digest; N] {
    let keys = jobs.map(|job| &*job.key);
    let salts = jobs.map(|job| repeated(job.salt));
    let salts = salts.each_ref();

    let mut lanes = Box::new(Lanes::new());
    lanes.set_up_salted(keys, salts);
    for _ in 0..cost.repetitions() {
        lanes.set_up(keys);
        lanes.set_up(salts);
    }
    lanes.encrypt_text()
}

/// The salt, as often as it fits into the subkeys.
fn repeated(salt: Salt) -> Key {
    let (words, _) = salt.as_chunks();
    array::from_fn(|i| u32::from_be_bytes(words[i % 4]))
}

#[expect(
    clippy::inline_always,
    reason = "the halves of five blocks stay in registers; through memory five lanes are a twentieth slower"
)]
impl<const N: usize> Lanes<N> {
    fn new() -> Self {
        Self(array::from_fn(|_| Blowfish {
            boxes: pi::BOXES,
            subkeys: pi::SUBKEYS,
        }))
    }

    /// `ExpandKey(state, 0, key)`.
    #[inline(never)]
    fn set_up(&mut self, keys: [&Key; N]) {
        self.replace_with(keys, |_| {});
    }

    /// `ExpandKey(state, salt, key)`.
    fn set_up_salted(&mut self, keys: [&Key; N], salts: [&Key; N]) {
        let mut word = 0;
        self.replace_with(keys, |blocks| {
            for (n, salt) in salts.iter().enumerate() {
                blocks.left[n] ^= salt[word];
                blocks.right[n] ^= salt[word + 1];
            }
            word = (word + 2) % 4;
        });
    }

    /// Puts the keys to the subkeys, and then, block by block, the cipher's own output in place of all its words.
    #[inline(always)]
    fn replace_with(&mut self, keys: [&Key; N], mut salt: impl FnMut(&mut Blocks<N>)) {
        for (cipher, key) in self.0.iter_mut().zip(keys) {
            for (subkey, word) in cipher.subkeys.iter_mut().zip(key) {
                *subkey ^= word;
            }
        }
        let mut blocks = Blocks {
            left: [0; N],
            right: [0; N],
        };
        for place in 0..9 {
            salt(&mut blocks);
            blocks = self.encrypt(blocks);
            for (n, cipher) in self.0.iter_mut().enumerate() {
                cipher.subkeys[2 * place] = blocks.left[n];
                cipher.subkeys[2 * place + 1] = blocks.right[n];
            }
        }
        for table in 0..4 {
            for place in 0..128 {
                salt(&mut blocks);
                blocks = self.encrypt(blocks);
                for (n, cipher) in self.0.iter_mut().enumerate() {
                    cipher.boxes[table][2 * place] = blocks.left[n];
                    cipher.boxes[table][2 * place + 1] = blocks.right[n];
                }
            }
        }
    }

    /// Sixteen rounds of Blowfish, the lanes taking turns in each.
    #[inline(always)]
    fn encrypt(
        &self,
        Blocks {
            mut left,
            mut right,
        }: Blocks<N>,
    ) -> Blocks<N> {
        for (n, cipher) in self.0.iter().enumerate() {
            left[n] ^= cipher.subkeys[0];
        }
        for round in 1..=16 {
            for (n, cipher) in self.0.iter().enumerate() {
                let mixed = right[n] ^ cipher.subkeys[round] ^ cipher.substitute(left[n]);
                (left[n], right[n]) = (mixed, left[n]);
            }
        }
        for (n, cipher) in self.0.iter().enumerate() {
            right[n] ^= cipher.subkeys[17];
        }
        // The halves are not crossed after the last round.
        Blocks {
            left: right,
            right: left,
        }
    }

    fn encrypt_text(&self) -> [Digest; N] {
        let mut digests = [[0; 24]; N];
        for (part, [left, right]) in TEXT.into_iter().enumerate() {
            let mut blocks = Blocks {
                left: [left; N],
                right: [right; N],
            };
            for _ in 0..64 {
                blocks = self.encrypt(blocks);
            }
            for (n, digest) in digests.iter_mut().enumerate() {
                let block = u64::from(blocks.left[n]) << 32 | u64::from(blocks.right[n]);
                digest[8 * part..][..8].copy_from_slice(&block.to_be_bytes());
            }
        }
        digests.map(|[digest @ .., _]| digest)
    }

    fn wipe(&mut self) {
        for Blowfish { boxes, subkeys } in &mut self.0 {
            boxes.zeroize();
            subkeys.zeroize();
        }
    }
}

impl Blowfish {
    /// The function F. The bytes are taken from the lowest on: in the other order, a swap of bytes is compiled into the
    /// chain of steps that everything waits for, and a hash takes a tenth longer.
    #[inline]
    fn substitute(&self, word: u32) -> u32 {
        let [d, c, b, a] = word.to_le_bytes().map(usize::from);
        let [first, second, third, fourth] = &self.boxes;
        (first[a].wrapping_add(second[b]) ^ third[c]).wrapping_add(fourth[d])
    }
}

impl<const N: usize> Drop for Lanes<N> {
    fn drop(&mut self) {
        self.wipe();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From "Test vectors for Blowfish" by Eric Young: a key of eight bytes, whether zeros or ones, and its block.
    #[test]
    fn the_cipher_is_blowfish() {
        for (key, block, expected) in [
            (0x0000_0000, 0x0000_0000, [0x4ef9_9745, 0x6198_dd78]),
            (0xffff_ffff, 0xffff_ffff, [0x5186_6fd5, 0xb85e_cb8a]),
        ] {
            let mut lanes = Lanes::new();
            lanes.set_up([&[key; 18]; 2]);
            let Blocks { left, right } = lanes.encrypt(Blocks {
                left: [block; 2],
                right: [block; 2],
            });
            assert_eq!([left, right], expected.map(|half| [half; 2]));
        }
    }

    #[test]
    fn a_wiped_state_is_zero() {
        let mut lanes = Lanes::<2>::new();
        lanes.wipe();
        for cipher in &lanes.0 {
            assert_eq!(cipher.subkeys, [0; 18]);
            assert_eq!(cipher.boxes, [[0; 256]; 4]);
        }
    }
}
