//! The plugin as a CLAP host sees it: loaded from its shared library, driven through the published interface.
//!
//! The library is the development build, in which an allocation or a free inside `process` ends the process
//! (`assert_process_allocs`): every test here that processes is therefore a test of that too.

#[allow(dead_code)]
#[path = "common/clap_host.rs"]
mod clap_host;
#[allow(dead_code)]
#[path = "common/script.rs"]
mod script;

use clack_extensions::gui::{GuiApiType, GuiConfiguration, PluginGui};
use clack_extensions::latency::PluginLatency;
use clack_host::events::event_types::ParamValueEvent;
use clack_host::prelude::*;

use clap_host::{Instance, load};
use script::{Clock, Random, Step};

const RATE: f64 = 48_000.0;

/// These tests count the threads and the memory of the whole process, so they run one after the other.
static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Threads of this process; `None` where the system does not tell.
fn threads() -> Option<usize> {
    Some(std::fs::read_dir("/proc/self/task").ok()?.count())
}

/// Memory of this process that is not shared with files, in bytes; `None` where the system does not tell.
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("RssAnon:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1024)
}

/// Waits until there are no more than `most` threads: a joined thread leaves the system's list a little later.
fn threads_come_down_to(most: Option<usize>) {
    for _ in 0..200 {
        if threads() <= most {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{:?} threads are left, there were {most:?}", threads());
}

#[test]
fn sound_passes_to_the_bit_whatever_the_transport_does() {
    let _alone = alone();
    let entry = load();
    for (rate, most) in [(48_000.0, 512), (44_100.0, 64), (96_000.0, 4096), (8_000.0, 1)] {
        let mut instance = Instance::active(&entry, rate, most);
        for (name, steps) in script::all(rate, most as usize, 150) {
            instance.passes_through(name, &steps);
        }
    }
}

#[test]
fn any_rate_and_any_length_of_block() {
    let _alone = alone();
    let entry = load();
    let mut instance = Instance::new(&entry);
    let rates = [
        8_000.0,
        11_025.0,
        22_050.0,
        44_099.9,
        44_100.0,
        47_952.047_952,
        48_000.0,
        88_200.0,
        176_400.0,
        192_000.0,
        384_000.0,
        768_000.0,
    ];
    let blocks = [1, 2, 31, 64, 100, 1024, 4096, 16_384];
    let mut random = Random::new(1);
    for round in 0..300 {
        let rate = rates[random.below(rates.len())];
        let most = blocks[random.below(blocks.len())];
        instance.activate(rate, most);
        let mut clock = Clock::new(rate, 60.0 + random.below(140) as f64);
        let steps: Vec<Step> = (0..random.below(4))
            .map(|_| clock.block(random.below(most as usize + 1)))
            .collect();
        instance.passes_through(&format!("round {round}, {rate} Hz, {most} frames"), &steps);
        instance.deactivate();
    }
}

#[test]
fn scanning_starts_no_thread_and_loads_no_model() {
    let _alone = alone();
    // What the test's own process needs once is not the plugin's.
    drop(load());
    let (threads_before, memory_before) = (threads(), memory());
    let entry = load();
    let factory = entry.get_plugin_factory().expect("it makes plugins");
    let ids: Vec<_> = factory
        .plugin_descriptors()
        .map(|d| (d.id().map(ToOwned::to_owned), d.name().map(ToOwned::to_owned)))
        .collect();
    assert_eq!(ids, [(Some(clap_host::ID.to_owned()), Some(c"Loopwright".to_owned()))]);
    assert_eq!(threads(), threads_before, "scanning starts no thread");
    // The smallest network takes more than this once it is loaded.
    if let (Some(before), Some(after)) = (memory_before, memory()) {
        assert!(
            after.saturating_sub(before) < 8 << 20,
            "scanning took {} bytes",
            after - before
        );
    }
}

#[test]
fn a_hundred_loads_leave_nothing_behind() {
    let _alone = alone();
    let round = || {
        let entry = load();
        let mut instance = Instance::active(&entry, RATE, 256);
        let mut clock = Clock::new(RATE, 120.0);
        let steps: Vec<Step> = (0..20).map(|_| clock.block(256)).collect();
        instance.passes_through("loaded anew", &steps);
    };
    let threads_before = threads();
    for _ in 0..10 {
        round();
    }
    let (threads_warm, memory_warm) = (threads(), memory());
    for _ in 0..100 {
        round();
    }
    threads_come_down_to(threads_warm.max(threads_before));
    if let (Some(before), Some(after)) = (memory_warm, memory()) {
        let grown = after.saturating_sub(before);
        assert!(grown < 16 << 20, "100 loads left {grown} bytes behind");
    }
}

#[test]
fn instances_do_not_meet() {
    let _alone = alone();
    let entry = load();
    let rates = [44_100.0, 48_000.0, 96_000.0, 8_000.0, 192_000.0];
    let mut instances: Vec<Instance> = rates.iter().map(|&rate| Instance::active(&entry, rate, 333)).collect();
    let scripts: Vec<_> = rates.iter().map(|&rate| script::all(rate, 333, 40)).collect();
    for turn in 0..scripts[0].len() {
        for (instance, script) in instances.iter_mut().zip(&scripts) {
            let (name, steps) = &script[turn];
            instance.passes_through(name, steps);
        }
    }
    // Gone in another order than they came.
    instances.swap_remove(1);
    instances.remove(0);
    for (name, steps) in &scripts[2] {
        instances[0].deactivate();
        instances[0].activate(RATE, 333);
        instances[0].passes_through(name, steps);
    }
}

#[test]
fn the_same_state_gives_the_same_bytes() {
    let _alone = alone();
    let entry = load();
    let mut one = Instance::new(&entry);
    let bytes = one.save();
    assert_eq!(bytes, one.save());
    let mut two = Instance::active(&entry, RATE, 64);
    assert!(two.restore(&bytes));
    assert_eq!(two.save(), bytes);
    // It is small, and there is no sound in it.
    assert!(bytes.len() < 4096, "{} bytes", bytes.len());
}

/// A state as the plugin's framework frames it: eight bytes of length, then JSON.
fn framed(json: &str) -> Vec<u8> {
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.extend(json.bytes());
    bytes
}

#[test]
fn no_state_can_hurt() {
    let _alone = alone();
    let entry = load();
    let mut instance = Instance::active(&entry, RATE, 64);
    let good = instance.save();
    assert!(!instance.restore(&[]), "an empty state is no state");
    assert!(!instance.restore(&[7; 5]));
    let mut random = Random::new(9);
    for round in 0..400 {
        let mut bytes = match round % 4 {
            // Noise behind a length that is right, noise alone, and good states cut or changed in a few places.
            0 => framed(&"x".repeat(random.below(300))),
            1 => (0..random.below(300)).map(|_| random.bits() as u8).collect(),
            2 => good[..random.below(good.len())].to_vec(),
            _ => good.clone(),
        };
        for _ in 0..random.below(6) {
            if !bytes.is_empty() {
                let at = random.below(bytes.len());
                bytes[at] = random.bits() as u8;
            }
        }
        instance.restore(&bytes);
    }
    for field in [
        r#"{}"#,
        r#"{"version":999}"#,
        r#"{"version":1,"settings":{"history_seconds":4294967295,"history_mib":4294967295,"audition_db":1e38}}"#,
        r#"{"version":1,"settings":{"history_seconds":0,"history_mib":0,"folder":"\u0000/nowhere"}}"#,
        r#"{"version":1,"editor":{"width":-1e30,"height":0.0,"zoom":1e30}}"#,
        r#"{"version":1,"favourites":[{"id":1}]}"#,
        r#"[[[[[[[[[[[[]]]]]]]]]]]]"#,
        "null",
    ] {
        let quoted = field.replace('\\', "\\\\").replace('"', "\\\"");
        let json = format!(
            r#"{{"version":"0.1.0","params":{{"bypass":{{"bool":false}}}},"fields":{{"loopwright":"{quoted}"}}}}"#
        );
        instance.restore(&framed(&json));
        // Whatever came of it can be saved, and what was saved restored.
        let saved = instance.save();
        assert!(instance.restore(&saved), "{field}");
        assert_eq!(instance.save(), saved, "{field}");
    }
    let mut clock = Clock::new(RATE, 120.0);
    let steps: Vec<Step> = (0..50).map(|_| clock.block(64)).collect();
    instance.passes_through("after all that", &steps);
    assert!(instance.restore(&good));
    assert_eq!(instance.save(), good);
}

#[test]
fn bypass_can_be_set_and_changes_no_sound() {
    let _alone = alone();
    let entry = load();
    let mut instance = Instance::new(&entry);
    let [bypass, level] = instance.parameters()[..] else {
        panic!("two parameters");
    };
    let unknown = ClapId::new(12_345);
    let _ = instance.flush(&[(bypass, 1.0), (unknown, 3.0), (level, 0.25)]);
    assert_eq!(instance.value(level), 0.25);
    assert_eq!(instance.value(bypass), 1.0);
    instance.activate(RATE, 256);
    let mut clock = Clock::new(RATE, 120.0);
    let mut steps = |count: usize| (0..count).map(|_| clock.block(256)).collect::<Vec<_>>();
    instance.passes_through("bypassed", &steps(30));
    let _ = instance.flush(&[(bypass, 0.0)]);
    instance.passes_through("not bypassed", &steps(30));
    assert_eq!(instance.value(bypass), 0.0);
    // Switched on and off inside blocks, at the first and the last frame too.
    for (number, step) in steps(60).iter().enumerate() {
        let mut events = EventBuffer::new();
        for at in [0, number as u32, 255] {
            let value = f64::from(u32::from((number + at as usize).is_multiple_of(2)));
            events.push(&ParamValueEvent::new(at, bypass, Pckn::match_all(), value));
        }
        let sound = script::odd_sound(256, number as u64);
        let out = instance.process_with(step, [&sound[0], &sound[1]], &events);
        for channel in 0..2 {
            assert!(
                sound[channel]
                    .iter()
                    .zip(&out[channel])
                    .all(|(a, b)| a.to_bits() == b.to_bits()),
                "block {number}"
            );
        }
    }
}

#[test]
fn no_latency() {
    let _alone = alone();
    let entry = load();
    let mut instance = Instance::active(&entry, RATE, 64);
    let handle = instance.raw().plugin_handle();
    if let Some(latency) = handle.get_extension::<PluginLatency>() {
        assert_eq!(latency.get(&handle), 0);
    }
}

#[test]
fn faster_than_anything_can_follow() {
    let _alone = alone();
    let entry = load();
    let mut instance = Instance::active(&entry, RATE, 1024);
    let mut clock = Clock::new(RATE, 174.0);
    // Three minutes of sound as fast as the machine goes.
    let steps: Vec<Step> = (0..3 * 60 * 48_000 / 1024).map(|_| clock.block(1024)).collect();
    instance.passes_through("overload", &steps);
}

#[test]
fn processing_may_move_between_threads() {
    let _alone = alone();
    let entry = load();
    let mut instances = [Instance::active(&entry, RATE, 64), Instance::active(&entry, RATE, 64)];
    let mut clock = Clock::new(RATE, 120.0);
    let sound = script::odd_sound(64, 1);
    for _ in 0..20 {
        let step = clock.block(64);
        for instance in &mut instances {
            let out = instance.process(&step, [&sound[0], &sound[1]]);
            assert_eq!(out[0].len(), 64);
        }
        for instance in &mut instances {
            let out = instance.on_another_thread(&step, [&sound[0], &sound[1]]);
            for channel in 0..2 {
                assert!(
                    sound[channel]
                        .iter()
                        .zip(&out[channel])
                        .all(|(a, b)| a.to_bits() == b.to_bits())
                );
            }
        }
    }
}

#[test]
fn an_editor_without_a_display_is_refused_and_no_more() {
    let _alone = alone();
    if std::env::var_os("DISPLAY").is_some_and(|display| !display.is_empty()) {
        println!("skipped: there is a display (tests/editor.rs opens the editor on one)");
        return;
    }
    let entry = load();
    let mut instance = Instance::active(&entry, RATE, 64);
    let handle = instance.raw().plugin_handle();
    let gui: PluginGui = handle.get_extension().expect("it has an editor");
    let Some(api_type) = GuiApiType::default_for_current_platform() else {
        println!("skipped: no kind of window here");
        return;
    };
    let embedded = GuiConfiguration {
        api_type,
        is_floating: false,
    };
    for _ in 0..5 {
        // Where there is no display `create` fails; whether it does or not, the host may go on.
        let made = gui.create(&handle, embedded).is_ok();
        if made {
            gui.get_size(&handle);
            gui.destroy(&handle);
        }
    }
}
