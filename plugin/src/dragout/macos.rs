//! Dragging under macOS: an AppKit dragging session with file URLs.
//!
//! The session is begun from the main queue, after the editor's frame, and runs beside everything else. AppKit has no
//! way to end it early; when the owner goes, the session goes on and is refused wherever it is dropped.
//!
//! Type-checked on Linux. Not yet tried on macOS.

use std::cell::RefCell;
use std::ffi::{CString, c_int, c_void};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use dispatch2::{DispatchQueue, MainThreadBound};
use objc2::rc::Retained;
use objc2::runtime::{AnyClass, AnyObject, AnyProtocol, Bool, ClassBuilder, NSObject, ProtocolObject, Sel};
use objc2::{AnyThread, ClassType, MainThreadMarker, msg_send, sel};
use objc2_app_kit::{
    NSApplication, NSDragOperation, NSDraggingContext, NSDraggingItem, NSDraggingSession, NSDraggingSource, NSEvent,
    NSEventModifierFlags, NSEventType, NSView, NSWindow, NSWorkspace,
};
use objc2_foundation::{NSArray, NSPoint, NSProcessInfo, NSRect, NSSize, NSString, NSURL};
use raw_window_handle::{RawDisplayHandle, RawWindowHandle};

use super::{DragError, Outcome, State};

/// Side of a file's icon, and how far the next lies beside it, in points.
const ICON: f64 = 48.0;
const STEP: f64 = 6.0;

/// A session that runs. It lives on the main thread, as all of AppKit does.
struct Running {
    source: Retained<AnyObject>,
    view: Retained<NSView>,
    state: Arc<State>,
}

thread_local! {
    static RUNNING: RefCell<Vec<Running>> = const { RefCell::new(Vec::new()) };
}

pub(super) fn begin(
    window: RawWindowHandle,
    _display: RawDisplayHandle,
    files: Vec<PathBuf>,
    state: &Arc<State>,
) -> Result<Option<JoinHandle<()>>, DragError> {
    let RawWindowHandle::AppKit(handle) = window else {
        return Err(DragError::Window);
    };
    let Some(main) = MainThreadMarker::new() else {
        return Err(DragError::System("not on the main thread".to_owned()));
    };
    // SAFETY: the handle is that of a view which is alive now, on the main thread; it is kept alive from here on.
    let view = unsafe { Retained::retain(handle.ns_view.as_ptr().cast::<NSView>()) }.ok_or(DragError::Window)?;
    if source_class().is_none() {
        return Err(DragError::System("no class for the source of a drag".to_owned()));
    }
    let view = MainThreadBound::new(view, main);
    let state = Arc::clone(state);
    DispatchQueue::main().exec_async(move || {
        let Some(main) = MainThreadMarker::new() else {
            return state.end(Outcome::Failed);
        };
        let begun = session(main, view.get(main), &files, &state);
        if let Err(outcome) = begun {
            state.end(outcome);
        }
    });
    Ok(None)
}

/// Begins the session, or says how it ended before.
fn session(
    main: MainThreadMarker,
    view: &Retained<NSView>,
    files: &[PathBuf],
    state: &Arc<State>,
) -> Result<(), Outcome> {
    if state.cancelled() || NSEvent::pressedMouseButtons() & 1 == 0 {
        return Err(Outcome::Cancelled);
    }
    let window = view.window().ok_or(Outcome::Failed)?;
    let event = current_event(main, &window)
        .or_else(|| mouse_event(&window, NSEventType::LeftMouseDragged))
        .ok_or(Outcome::Failed)?;
    let at = view.convertPoint_fromView(window.mouseLocationOutsideOfEventStream(), None);
    let items = files
        .iter()
        .zip(0_u8..)
        .map(|(file, index)| item(file, at, f64::from(index.min(8)) * STEP))
        .collect::<Option<Vec<_>>>()
        .ok_or(Outcome::Failed)?;
    let class = source_class().ok_or(Outcome::Failed)?;
    // SAFETY: the class descends from `NSObject` and has the protocol's methods, so `new` makes such an object.
    let (source, as_source) = unsafe {
        let source: Retained<AnyObject> = msg_send![class, new];
        (
            source.clone(),
            Retained::cast_unchecked::<ProtocolObject<dyn NSDraggingSource>>(source),
        )
    };
    RUNNING.with_borrow_mut(|running| {
        running.push(Running {
            source,
            view: view.clone(),
            state: Arc::clone(state),
        });
    });
    let session =
        view.beginDraggingSessionWithItems_event_source(&NSArray::from_retained_slice(&items), &event, &as_source);
    session.setAnimatesToStartingPositionsOnCancelOrFail(true);
    Ok(())
}

/// A file, as its URL and its icon.
fn item(file: &std::path::Path, at: NSPoint, offset: f64) -> Option<Retained<NSDraggingItem>> {
    let url = NSURL::from_file_path(file)?;
    let item = NSDraggingItem::initWithPasteboardWriter(NSDraggingItem::alloc(), ProtocolObject::from_ref(&*url));
    let icon = NSWorkspace::sharedWorkspace().iconForFile(&NSString::from_str(&file.to_string_lossy()));
    let corner = NSPoint::new(at.x - ICON / 2.0 + offset, at.y - ICON / 2.0 - offset);
    let frame = NSRect::new(corner, NSSize::new(ICON, ICON));
    // SAFETY: an image is what the contents may be.
    unsafe { item.setDraggingFrame_contents(frame, Some(&icon)) };
    Some(item)
}

/// The press or movement that the host is handling, when it is in this window. AppKit wants the drag to begin with it.
fn current_event(main: MainThreadMarker, window: &NSWindow) -> Option<Retained<NSEvent>> {
    let event = NSApplication::sharedApplication(main).currentEvent()?;
    let of_mouse = matches!(
        event.r#type(),
        NSEventType::LeftMouseDown | NSEventType::LeftMouseDragged
    );
    (of_mouse && event.windowNumber() == window.windowNumber()).then_some(event)
}

/// An event of the left button where the mouse is.
fn mouse_event(window: &NSWindow, kind: NSEventType) -> Option<Retained<NSEvent>> {
    NSEvent::mouseEventWithType_location_modifierFlags_timestamp_windowNumber_context_eventNumber_clickCount_pressure(
        kind,
        window.mouseLocationOutsideOfEventStream(),
        NSEventModifierFlags::empty(),
        NSProcessInfo::processInfo().systemUptime(),
        window.windowNumber(),
        None,
        0,
        1,
        if kind == NSEventType::LeftMouseUp { 0.0 } else { 1.0 },
    )
}

/// Tells the view what the session kept from it: that the button went up.
fn mouse_up(view: &NSView) {
    // A view that was taken out of its window meanwhile needs no telling.
    if let Some(event) = view
        .window()
        .and_then(|window| mouse_event(&window, NSEventType::LeftMouseUp))
    {
        view.mouseUp(&event);
    }
}

/// The class of sources, made once.
///
/// Its name holds the address of this library: a host may have loaded it twice (as VST3 and as CLAP, or in two versions),
/// and a class name is taken once a process. Classes stay for good, so the library does as well.
fn source_class() -> Option<&'static AnyClass> {
    static CLASS: OnceLock<Option<&'static AnyClass>> = OnceLock::new();
    *CLASS.get_or_init(|| {
        let here: fn() -> Option<&'static AnyClass> = source_class;
        let name = format!(
            "LoopwrightDragSource_{}_{:x}",
            env!("CARGO_PKG_VERSION").replace('.', "_"),
            here as usize
        );
        let mut class = ClassBuilder::new(&CString::new(name).ok()?, NSObject::class())?;
        // SAFETY: the functions have the types that AppKit calls these selectors with.
        unsafe {
            class.add_method(
                sel!(draggingSession:sourceOperationMaskForDraggingContext:),
                operations as extern "C-unwind" fn(_, _, _, _) -> _,
            );
            class.add_method(
                sel!(draggingSession:endedAtPoint:operation:),
                ended as extern "C-unwind" fn(_, _, _, _, _),
            );
            class.add_method(
                sel!(ignoreModifierKeysForDraggingSession:),
                ignores_modifiers as extern "C-unwind" fn(_, _, _) -> _,
            );
        }
        if let Some(protocol) = AnyProtocol::get(c"NSDraggingSource") {
            class.add_protocol(protocol);
        }
        keep_loaded();
        Some(class.register())
    })
}

/// What may be done with the files: copied, unless the drag was given up.
extern "C-unwind" fn operations(
    source: &AnyObject,
    _: Sel,
    _session: &NSDraggingSession,
    _context: NSDraggingContext,
) -> NSDragOperation {
    let given_up = RUNNING.with_borrow(|running| {
        running
            .iter()
            .any(|drag| std::ptr::eq(&*drag.source, source) && drag.state.cancelled())
    });
    if given_up {
        NSDragOperation::None
    } else {
        NSDragOperation::Copy
    }
}

extern "C-unwind" fn ended(
    source: &AnyObject,
    _: Sel,
    _session: &NSDraggingSession,
    _at: NSPoint,
    operation: NSDragOperation,
) {
    let drag = RUNNING.with_borrow_mut(|running| {
        let index = running.iter().position(|drag| std::ptr::eq(&*drag.source, source))?;
        Some(running.swap_remove(index))
    });
    let (Some(drag), Some(main)) = (drag, MainThreadMarker::new()) else {
        return;
    };
    drag.state.end(if operation == NSDragOperation::None {
        Outcome::Cancelled
    } else {
        Outcome::Dropped
    });
    // Once AppKit is out of its own handling of the release. The source lives until then, since it is being called.
    let drag = MainThreadBound::new((drag.view, drag.source), main);
    DispatchQueue::main().exec_async(move || {
        if let Some(main) = MainThreadMarker::new() {
            mouse_up(&drag.get(main).0);
        }
    });
}

/// A key of the host's must not turn the copy into something that is refused.
extern "C-unwind" fn ignores_modifiers(_source: &AnyObject, _: Sel, _session: &NSDraggingSession) -> Bool {
    Bool::YES
}

/// No thread, so nothing to wake.
pub(super) fn wake(_thread: &JoinHandle<()>) {}

/// Keeps the library in memory for good.
pub(super) fn keep_loaded() {
    let here: fn() = keep_loaded;
    // SAFETY: `dladdr` fills `info` (plain pointers, so zero is valid) for an address of this library or fails, and
    // `dlopen` gets the NUL-terminated name from it, which the dynamic linker owns.
    unsafe {
        let mut info: libc::Dl_info = std::mem::zeroed();
        if libc::dladdr(here as *const c_void, &mut info) != 0 && !info.dli_fname.is_null() {
            let flags: c_int = libc::RTLD_NOW | libc::RTLD_NOLOAD | libc::RTLD_NODELETE;
            libc::dlopen(info.dli_fname, flags);
        }
    }
}
