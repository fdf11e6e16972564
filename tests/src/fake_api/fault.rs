//! Faults as data: which requests, how often, what goes wrong. A scenario can write them in YAML. The first one that
//! matches a request and is not used up is taken, before the server looks at who asks.

use serde::Deserialize;

/// A fault that waits for its requests.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Fault {
    /// Which requests; all where it is absent.
    #[serde(default)]
    pub matches: Matches,
    /// How often; once where it is absent.
    #[serde(default)]
    pub times: Times,
    /// What goes wrong.
    pub what: What,
}

/// Which requests a fault is for. What is absent matches everything.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Matches {
    /// The method, `GET` for example.
    pub method: Option<String>,
    /// What the path begins with.
    pub path: Option<String>,
    /// Whether it is a watch.
    pub watch: Option<bool>,
    /// What must be in the query, `continue=` for example.
    pub query: Option<String>,
    /// Who asks.
    pub user: Option<String>,
}

/// How often a fault happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Times {
    /// So many times.
    Count(u64),
    /// Until [`super::FakeApi::clear_faults`].
    Always(Always),
}

/// The word `always`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Always {
    /// Each time.
    Always,
}

/// What goes wrong. Those that count lines are for watches only, and a request that is none passes them by.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum What {
    /// It is refused with this status.
    Status {
        /// The HTTP status.
        code: u16,
        /// The `Retry-After` header, in seconds.
        #[serde(default)]
        retry_after_s: Option<u32>,
        /// The reason in the body.
        #[serde(default)]
        reason: String,
        /// The message in the body.
        #[serde(default)]
        message: String,
    },
    /// It is answered with text that is no Status, as proxies do.
    Page {
        /// The HTTP status.
        code: u16,
        /// The body, of type text/html.
        text: String,
    },
    /// No answer ever comes; the connection stays.
    Hang,
    /// The answer comes after [`super::FakeApi::release`].
    Delay,
    /// The TCP connection is reset.
    Reset,
    /// The connection is dead without a word: neither read nor written, pings stay unanswered, until
    /// [`super::FakeApi::release`].
    Freeze,
    /// A list, or another answer with an end, breaks off behind so many bytes.
    CutAfterBytes(usize),
    /// The stream breaks off behind so many lines.
    CutAfterLines(u64),
    /// The stream breaks off in the middle of the line behind so many.
    CutInsideLine(u64),
    /// Nothing comes behind so many lines, until [`super::FakeApi::release`]; pings are answered.
    StallAfterLines(u64),
    /// [`What::Freeze`] behind so many lines.
    FreezeAfterLines(u64),
    /// The stream ends as after a timeout, behind so many lines.
    CleanEndAfterLines(u64),
    /// A line that is no watch event is among the others.
    GarbageLine {
        /// Behind so many lines.
        #[serde(default)]
        after_lines: u64,
        /// The line, without its end.
        text: String,
    },
    /// An ERROR line, and the end.
    Error {
        /// Behind so many lines.
        #[serde(default)]
        after_lines: u64,
        /// The code in the Status.
        code: u16,
        /// Its reason.
        #[serde(default)]
        reason: String,
        /// Its message.
        message: String,
    },
}

/// What is known of a request when faults are looked for.
pub(super) struct Facts<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub watch: bool,
    pub user: &'a str,
}

impl Fault {
    /// One that happens once, to any request.
    pub fn once(what: What) -> Fault {
        Fault {
            matches: Matches::default(),
            times: Times::Count(1),
            what,
        }
    }

    /// For these methods only.
    pub fn method(mut self, method: &str) -> Fault {
        self.matches.method = Some(method.into());
        self
    }

    /// For paths that begin so.
    pub fn path(mut self, path: &str) -> Fault {
        self.matches.path = Some(path.into());
        self
    }

    /// For watches only.
    pub fn watches(mut self) -> Fault {
        self.matches.watch = Some(true);
        self
    }

    /// For all but watches.
    pub fn no_watches(mut self) -> Fault {
        self.matches.watch = Some(false);
        self
    }

    /// For queries that hold this.
    pub fn query(mut self, part: &str) -> Fault {
        self.matches.query = Some(part.into());
        self
    }

    /// So many times.
    pub fn times(mut self, times: u64) -> Fault {
        self.times = Times::Count(times);
        self
    }

    /// Until faults are cleared.
    pub fn always(mut self) -> Fault {
        self.times = Times::Always(Always::Always);
        self
    }

    fn is_for(&self, facts: &Facts<'_>) -> bool {
        let (matches, counts_lines) = (&self.matches, self.what.counts_lines());
        let is =
            |wanted: &Option<String>, there: &str| wanted.as_deref().is_none_or(|it| it == there);
        is(&matches.method, facts.method)
            && is(&matches.user, facts.user)
            && matches
                .path
                .as_deref()
                .is_none_or(|it| facts.path.starts_with(it))
            && matches
                .query
                .as_deref()
                .is_none_or(|it| facts.query.contains(it))
            && matches.watch.is_none_or(|watch| watch == facts.watch)
            && (facts.watch || !counts_lines)
            && !(facts.watch && matches!(self.what, What::CutAfterBytes(_)))
    }
}

impl Default for Times {
    fn default() -> Times {
        Times::Count(1)
    }
}

impl What {
    /// A refusal.
    pub fn status(code: u16, reason: &str, message: &str) -> What {
        What::Status {
            code,
            retry_after_s: None,
            reason: reason.into(),
            message: message.into(),
        }
    }

    fn counts_lines(&self) -> bool {
        matches!(
            self,
            What::CutAfterLines(_)
                | What::CutInsideLine(_)
                | What::StallAfterLines(_)
                | What::FreezeAfterLines(_)
                | What::CleanEndAfterLines(_)
                | What::GarbageLine { .. }
                | What::Error { .. }
        )
    }
}

/// Takes the first fault for a request.
pub(super) fn take(faults: &mut Vec<Fault>, facts: &Facts<'_>) -> Option<What> {
    let at = faults.iter().position(|fault| fault.is_for(facts))?;
    let what = faults[at].what.clone();
    match &mut faults[at].times {
        Times::Always(_) => {}
        Times::Count(left) if *left > 1 => *left -= 1,
        Times::Count(_) => drop(faults.remove(at)),
    }
    Some(what)
}
