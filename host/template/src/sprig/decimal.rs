//! Decimals for sprig's float functions: `addf 0.1 0.2` is 0.3. Beyond 38 digits floats take over.

/// `digits` times ten to the power of `exponent`.
#[derive(Clone, Copy)]
pub(super) struct Decimal {
    digits: i128,
    exponent: i32,
}

/// Places after the point that a division gives.
const DIVISION_PLACES: i32 = 16;

impl Decimal {
    /// The shortest decimal that is this float.
    pub(super) fn from_float(value: f64) -> Option<Self> {
        let written = format!("{value:e}");
        let (digits, exponent) = written.split_once('e')?;
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let exponent: i32 = exponent.parse().ok()?;
        Some(Self {
            digits: format!("{whole}{fraction}").parse().ok()?,
            exponent: exponent - i32::try_from(fraction.len()).ok()?,
        })
    }

    pub(super) fn to_float(self) -> Option<f64> {
        format!("{}e{}", self.digits, self.exponent).parse().ok()
    }

    pub(super) fn add(self, other: Self) -> Option<Self> {
        let exponent = self.exponent.min(other.exponent);
        let digits = self
            .scaled(exponent)?
            .checked_add(other.scaled(exponent)?)?;
        Some(Self { digits, exponent })
    }

    pub(super) fn sub(self, other: Self) -> Option<Self> {
        let digits = -other.digits;
        self.add(Self { digits, ..other })
    }

    pub(super) fn mul(self, other: Self) -> Option<Self> {
        Some(Self {
            digits: self.digits.checked_mul(other.digits)?,
            exponent: self.exponent.checked_add(other.exponent)?,
        })
    }

    /// Rounded half away from zero; `None` also for a division by zero.
    pub(super) fn div(self, other: Self) -> Option<Self> {
        if other.digits == 0 {
            return None;
        }
        let shift = DIVISION_PLACES + self.exponent - other.exponent;
        let (dividend, divisor) = if shift >= 0 {
            (self.digits.checked_mul(power(shift)?)?, other.digits)
        } else {
            (self.digits, other.digits.checked_mul(power(-shift)?)?)
        };
        let (quotient, rest) = (dividend / divisor, dividend % divisor);
        let up = rest.checked_abs()? >= divisor.checked_abs()? - rest.checked_abs()?;
        let sign = dividend.signum() * divisor.signum();
        Some(Self {
            digits: quotient + if up { sign } else { 0 },
            exponent: -DIVISION_PLACES,
        })
    }

    fn scaled(self, exponent: i32) -> Option<i128> {
        self.digits.checked_mul(power(self.exponent - exponent)?)
    }
}

fn power(exponent: i32) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(exponent).ok()?)
}
