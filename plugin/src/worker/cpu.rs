//! Being a good neighbour: low priority, and knowing what one costs.

use std::time::Instant;

use thread_priority::{ThreadPriority, ThreadPriorityValue, set_current_thread_priority};

/// Of 99. On Linux a niceness of 10: a tenth of a processor that others want whole. At 19 it would be a seventieth, and a busy
/// machine would starve the capture.
const PRIORITY: u8 = 23;

/// Steps behind what else wants the processor, as far as the system allows.
pub(super) fn step_back() {
    // Where it is refused the work is done all the same.
    if let Ok(low) = ThreadPriorityValue::try_from(PRIORITY) {
        let _ = set_current_thread_priority(ThreadPriority::Crossplatform(low));
    }
}

/// Measures what a piece of work costs.
pub(super) struct Cost {
    cpu: Option<f64>,
    wall: Instant,
}

impl Cost {
    pub(super) fn start() -> Self {
        Self {
            cpu: thread_seconds(),
            wall: Instant::now(),
        }
    }

    /// Seconds of processor time since the start; of the clock where the system does not tell.
    pub(super) fn seconds(&self) -> f64 {
        match (self.cpu, thread_seconds()) {
            (Some(a), Some(b)) if b >= a => b - a,
            _ => self.wall.elapsed().as_secs_f64(),
        }
    }
}

/// Processor time of this thread so far, where the system says it without much ado.
fn thread_seconds() -> Option<f64> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanos: u64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanos as f64 * 1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_costs_something() {
        let cost = Cost::start();
        let mut x = 0u64;
        while cost.wall.elapsed().as_millis() < 30 {
            x = std::hint::black_box(x.wrapping_mul(31).wrapping_add(7));
        }
        assert!(cost.seconds() > 0.0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_thread_is_nice() {
        let nice = std::thread::spawn(|| {
            step_back();
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
            // The name may hold anything, and ends with the last bracket; niceness is the 17th field after it.
            let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
            after.split_whitespace().nth(16).and_then(|n| n.parse::<i32>().ok())
        });
        assert!(nice.join().unwrap().is_some_and(|n| (9..=11).contains(&n)));
        // No other thread was meant.
        let own = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        let after = own.rsplit_once(')').unwrap().1;
        let own: i32 = after.split_whitespace().nth(16).unwrap().parse().unwrap();
        assert!(own < 9, "{own}");
    }
}
