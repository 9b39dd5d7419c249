//! When a take is analysed.
//!
//! * It has grown by 8 bars of the host since, or by 16 s where there are no bars.
//! * It ended.
//! * Its corrections changed, or the user asks.
//!
//! Never below two bars, or four seconds where there are none. The newest take comes first. As an analysis costs the more the
//! longer the take is, a take that grows is left alone until it has grown by [`SHARE`] times what the last analysis of it
//! took: that holds the average below a tenth of one processor core in real time. What ended, or was asked for, does not
//! wait.

/// Bars between analyses.
pub(crate) const EVERY_BARS: usize = 8;
/// Seconds between analyses where there are no bars.
pub(crate) const EVERY_SECONDS: f64 = 16.0;
/// Least length in bars, and in seconds where there are none.
const LEAST: (usize, f64) = (2, 4.0);
/// Seconds of new sound for each second of processor time that the last analysis took.
pub(super) const SHARE: f64 = 10.0;

/// What is known of a take when it is asked whether to analyse it.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Standing {
    /// Seconds kept.
    pub(super) seconds: f64,
    /// Whole bars of the host in them; `None` without a host's grid.
    pub(super) bars: Option<usize>,
    /// True while it grows.
    pub(super) open: bool,
    /// Seconds of sound since the last analysis (all of it before the first), and bars.
    pub(super) new_seconds: f64,
    /// Bars that have come since.
    pub(super) new_bars: usize,
    /// Processor time of the last analysis in seconds; 0 before the first.
    pub(super) cost: f64,
    /// Something was corrected, or the user asked.
    pub(super) requested: bool,
    /// Analyse by itself.
    pub(super) automatic: bool,
}

/// Whether the take is to be analysed now.
pub(super) fn is_due(take: &Standing) -> bool {
    let long_enough = match take.bars {
        Some(bars) => bars >= LEAST.0,
        None => take.seconds >= LEAST.1,
    };
    if !long_enough {
        return false;
    }
    if take.requested {
        return true;
    }
    if !take.automatic || take.new_seconds <= 0.0 {
        return false;
    }
    if !take.open {
        return true;
    }
    let grown = match take.bars {
        Some(_) => take.new_bars >= EVERY_BARS,
        None => take.new_seconds >= EVERY_SECONDS,
    };
    grown && take.new_seconds >= SHARE * take.cost
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Standing = Standing {
        seconds: 40.0,
        bars: Some(20),
        open: true,
        new_seconds: 16.0,
        new_bars: 8,
        cost: 0.4,
        requested: false,
        automatic: true,
    };

    #[test]
    fn eight_bars_or_sixteen_seconds() {
        assert!(is_due(&OPEN));
        assert!(!is_due(&Standing { new_bars: 7, ..OPEN }));
        let free = Standing {
            bars: None,
            new_bars: 0,
            ..OPEN
        };
        assert!(is_due(&free));
        assert!(!is_due(&Standing {
            new_seconds: 15.9,
            ..free
        }));
    }

    #[test]
    fn an_end_and_a_wish_come_at_once_and_nothing_else_where_it_is_off() {
        let little = Standing {
            new_bars: 1,
            new_seconds: 2.0,
            cost: 5.0,
            ..OPEN
        };
        assert!(!is_due(&little));
        assert!(is_due(&Standing { open: false, ..little }));
        assert!(is_due(&Standing {
            requested: true,
            automatic: false,
            ..little
        }));
        assert!(!is_due(&Standing {
            automatic: false,
            ..OPEN
        }));
        // What ended and was analysed to its end is done.
        assert!(!is_due(&Standing {
            open: false,
            new_seconds: 0.0,
            new_bars: 0,
            ..OPEN
        }));
    }

    #[test]
    fn too_short_is_never_analysed() {
        for take in [
            Standing {
                bars: Some(1),
                open: false,
                requested: true,
                ..OPEN
            },
            Standing {
                bars: None,
                seconds: 3.9,
                open: false,
                requested: true,
                ..OPEN
            },
        ] {
            assert!(!is_due(&take));
        }
    }

    #[test]
    fn dear_takes_wait_until_they_have_grown_enough() {
        let dear = Standing { cost: 3.0, ..OPEN };
        assert!(!is_due(&dear));
        assert!(is_due(&Standing {
            new_seconds: 30.0,
            new_bars: 15,
            ..dear
        }));
    }
}
