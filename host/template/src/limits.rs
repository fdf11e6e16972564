//! Bounds on one rendering: templates come from users, but events from strangers.

/// How much one rendering may take. A template beyond a bound fails with an error that names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes that a template may give, and that any one text made on the way may have. Default 1 MiB.
    pub output_bytes_max: usize,
    /// Nodes, calls, iterations and list items touched. Default 1,000,000: some tens of milliseconds.
    pub steps_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            output_bytes_max: 1024 * 1024,
            steps_max: 1_000_000,
        }
    }
}

/// The longest text of a template, in bytes.
pub const TEMPLATE_BYTES_MAX: usize = 256 * 1024;

/// How deep blocks and parentheses of a template may be nested, values when they are printed, and
/// `{{template}}` calls in each other.
pub const DEPTH_MAX: usize = 64;

/// All that one rendering makes may take this many times `output_bytes_max`.
const MEMORY_FACTOR: usize = 16;

/// What is left of the [`Limits`] during one rendering.
pub(crate) struct Budget {
    limits: Limits,
    steps_left: u64,
    memory_left: usize,
}

impl Budget {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            steps_left: limits.steps_max,
            memory_left: limits.output_bytes_max.saturating_mul(MEMORY_FACTOR),
        }
    }

    pub(crate) fn steps(&mut self, steps: usize) -> Result<(), String> {
        let left = self.steps_left.checked_sub(steps as u64);
        self.steps_left = left.ok_or_else(|| {
            let most = self.limits.steps_max;
            format!("the template takes more than {most} steps; make its loops shorter")
        })?;
        Ok(())
    }

    /// Accounts for what a function made. What is freed is not given back: a bound, not a measure.
    pub(crate) fn memory(&mut self, bytes: usize) -> Result<(), String> {
        let left = self.memory_left.checked_sub(bytes);
        self.memory_left = left.ok_or_else(|| {
            let most = self.limits.output_bytes_max.saturating_mul(MEMORY_FACTOR);
            format!("the template makes more than {most} bytes of values on its way")
        })?;
        Ok(())
    }

    /// An empty text that refuses to grow beyond the bound.
    pub(crate) fn output(&self) -> Output {
        Output {
            text: String::new(),
            bytes_max: self.limits.output_bytes_max,
        }
    }
}

/// A text that refuses to grow beyond its bound.
pub(crate) struct Output {
    text: String,
    bytes_max: usize,
}

impl Output {
    pub(crate) fn push(&mut self, text: &str) -> Result<(), String> {
        if text.len() > self.bytes_max - self.text.len() {
            let most = self.bytes_max;
            return Err(format!(
                "the text grows beyond {most} bytes, the most for one template"
            ));
        }
        self.text.push_str(text);
        Ok(())
    }

    pub(crate) fn push_char(&mut self, character: char) -> Result<(), String> {
        self.push(character.encode_utf8(&mut [0; 4]))
    }

    /// `count` times `text`. Nothing is done when that is too long.
    pub(crate) fn repeat(&mut self, text: &str, count: usize) -> Result<(), String> {
        if text.len().saturating_mul(count) > self.bytes_max - self.text.len() {
            return self.push(text).and_then(|()| {
                Err(format!("{count} times a text of {} bytes is beyond {} bytes, the most for one template", text.len(), self.bytes_max))
            });
        }
        for _ in 0..count {
            self.text.push_str(text);
        }
        Ok(())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn into_string(self) -> String {
        self.text
    }
}
