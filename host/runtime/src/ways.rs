//! What sinks reach beside HTTP and standard output, as the runtime sees it: a file to append to, and whoever renders
//! templates.

/// When a file is put aside and a new one begun, and what becomes of the old ones; 0 is "never" and "no limit".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// MiB that a file may have.
    pub size_mib: u32,
    /// Minutes after which a file that is not empty is put aside.
    pub every_minutes: u32,
    /// How many of the files put aside are kept.
    pub backups: u32,
    /// Days for which files put aside are kept.
    pub age_days: u32,
    /// Whether files put aside are compressed (gzip).
    pub compress: bool,
}

/// `weir:plugin/file`: appends to the file that is granted. Called on the plugin's own thread, and may block it.
pub trait Files: Send + Sync {
    /// Appends whole lines, all or an error; returns when the disk has them.
    ///
    /// # Errors
    /// What failed, in words for the plugin and the log.
    fn append(&self, path: &str, lines: &[u8], rotation: Rotation) -> Result<(), String>;
}

/// Grants no file.
pub struct NoFiles;

impl Files for NoFiles {
    fn append(&self, _path: &str, _lines: &[u8], _rotation: Rotation) -> Result<(), String> {
        Err(
            "not granted: no file is; a receiver's own `path` is what its sink may append to"
                .into(),
        )
    }
}

/// `weir:plugin/template`: renders Go templates.
pub trait Templates: Send + Sync {
    /// Whether it can be read.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    fn check(&self, template: &str) -> Result<(), String>;

    /// What it makes of an event's document.
    ///
    /// # Errors
    /// Why it cannot be rendered for this event.
    fn render(&self, template: &str, document: &str) -> Result<String, String>;
}

/// Knows text without templates only.
pub struct NoTemplates;

impl Templates for NoTemplates {
    fn check(&self, template: &str) -> Result<(), String> {
        if template.contains("{{") {
            return Err("there are no templates here".into());
        }
        Ok(())
    }

    fn render(&self, template: &str, _document: &str) -> Result<String, String> {
        self.check(template).map(|()| template.to_owned())
    }
}
