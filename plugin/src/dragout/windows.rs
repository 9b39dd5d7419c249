//! Dragging under Windows: `DoDragDrop` with a `CF_HDROP` of copies.
//!
//! `DoDragDrop` returns when the drag is over and handles messages meanwhile. On the editor's thread it would do so in the
//! midst of a frame, and paint in the midst of painting; so it runs on an apartment thread of its own, whose input is
//! attached to that of the editor's, where the button is down.
//!
//! Type-checked on Linux, and tried under Wine 8: drops, Escape, cancelling, release over nothing. Not yet tried on Windows.

use std::os::windows::ffi::OsStrExt;
use std::os::windows::io::AsRawHandle;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use raw_window_handle::{RawDisplayHandle, RawWindowHandle};
use windows::Win32::Foundation::{
    DATA_S_SAMEFORMATETC, DRAGDROP_S_CANCEL, DRAGDROP_S_DROP, DRAGDROP_S_USEDEFAULTCURSORS, DV_E_DVASPECT,
    DV_E_FORMATETC, DV_E_LINDEX, DV_E_TYMED, E_INVALIDARG, E_NOTIMPL, E_POINTER, GlobalFree, HANDLE, HGLOBAL, HMODULE,
    HWND, LPARAM, OLE_E_ADVISENOTSUPPORTED, S_OK, WPARAM,
};
use windows::Win32::System::Com::{
    DATADIR_GET, DVASPECT_CONTENT, FORMATETC, IAdviseSink, IDataObject, IDataObject_Impl, IEnumFORMATETC,
    IEnumSTATDATA, STGMEDIUM, STGMEDIUM_0, TYMED_HGLOBAL,
};
use windows::Win32::System::LibraryLoader::{
    GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS, GET_MODULE_HANDLE_EX_FLAG_PIN, GetModuleHandleExW,
};
use windows::Win32::System::Memory::{GMEM_MOVEABLE, GlobalAlloc, GlobalLock, GlobalUnlock};
use windows::Win32::System::Ole::{
    CF_HDROP, DROPEFFECT, DROPEFFECT_COPY, DROPEFFECT_NONE, DoDragDrop, IDropSource, IDropSource_Impl, OleInitialize,
    OleUninitialize,
};
use windows::Win32::System::SystemServices::MODIFIERKEYS_FLAGS;
use windows::Win32::System::Threading::{AttachThreadInput, GetCurrentThreadId, GetThreadId};
use windows::Win32::UI::HiDpi::{GetWindowDpiAwarenessContext, SetThreadDpiAwarenessContext};
use windows::Win32::UI::Input::KeyboardAndMouse::{
    GetAsyncKeyState, GetKeyboardState, SetKeyboardState, VIRTUAL_KEY, VK_CONTROL, VK_ESCAPE, VK_LBUTTON, VK_LCONTROL,
    VK_LMENU, VK_LSHIFT, VK_MBUTTON, VK_MENU, VK_RBUTTON, VK_RCONTROL, VK_RMENU, VK_RSHIFT, VK_SHIFT,
};
use windows::Win32::UI::Shell::SHCreateStdEnumFmtEtc;
use windows::Win32::UI::WindowsAndMessaging::{
    GetSystemMetrics, GetWindowThreadProcessId, KillTimer, MSG, PM_NOREMOVE, PeekMessageW, PostThreadMessageW,
    SM_SWAPBUTTON, SMTO_ABORTIFHUNG, SendMessageTimeoutW, SetTimer, WM_KEYDOWN, WM_LBUTTONUP,
};
use windows::core::{BOOL, HRESULT, PCWSTR, Ref, Result as ComResult, implement};

use super::{DragError, Leaving, MOST_BYTES, Outcome, State, hdrop};

/// How long the editor may take to hear that the button is its no longer, in milliseconds.
const HEARD: u32 = 1000;

pub(super) fn begin(
    window: RawWindowHandle,
    _display: RawDisplayHandle,
    files: Vec<PathBuf>,
    state: &Arc<State>,
) -> Result<Option<JoinHandle<()>>, DragError> {
    let RawWindowHandle::Win32(handle) = window else {
        return Err(DragError::Window);
    };
    let window = handle.hwnd.get();
    // SAFETY: any number may be asked about; one that is no window gives 0.
    let editor = unsafe { GetWindowThreadProcessId(hwnd(window), None) };
    if editor == 0 {
        return Err(DragError::Window);
    }
    let wide: Vec<Vec<u16>> = files
        .iter()
        .map(|file| file.as_os_str().encode_wide().collect())
        .collect();
    let names = hdrop::drop_files(wide.iter().map(Vec::as_slice));
    if names.len() > MOST_BYTES {
        return Err(DragError::TooMany { count: files.len() });
    }
    let leaving = Leaving(Arc::clone(state));
    let thread = std::thread::Builder::new()
        .name("loopwright-drag".to_owned())
        .spawn(move || {
            let leaving = leaving;
            leaving
                .0
                .end(drag(window, editor, names, &leaving.0).unwrap_or(Outcome::Failed));
        })
        .map_err(|error| DragError::System(error.to_string()))?;
    Ok(Some(thread))
}

fn hwnd(window: isize) -> HWND {
    HWND(window as *mut _)
}

/// The modal drag, on its own thread.
fn drag(window: isize, editor: u32, names: Vec<u8>, state: &Arc<State>) -> ComResult<Outcome> {
    let _apartment = Apartment::enter()?;
    // SAFETY: awareness of a window that is gone is invalid, and setting an invalid one changes nothing. Positions are
    // then measured as the editor measures them.
    unsafe { SetThreadDpiAwarenessContext(GetWindowDpiAwarenessContext(hwnd(window))) };
    let _input = Input::attach(editor);

    // The editor's toolkit holds the capture until the button goes up, and would release ours when it loses its own. So it
    // hears now, in its own time, that the button went up; later it never would, since the drag swallows the release.
    let nowhere = LPARAM(-1);
    // SAFETY: a message without pointers, to a window that may be gone.
    unsafe {
        SendMessageTimeoutW(
            hwnd(window),
            WM_LBUTTONUP,
            WPARAM(0),
            nowhere,
            SMTO_ABORTIFHUNG,
            HEARD,
            None,
        )
    };
    if state.cancelled() {
        return Ok(Outcome::Cancelled);
    }

    let _escape = Escape::watch();
    let files: IDataObject = Files { names }.into();
    let source: IDropSource = Button {
        state: Arc::clone(state),
    }
    .into();
    let mut effect = DROPEFFECT_NONE;
    // SAFETY: both objects and `effect` outlive the call, which is made in an apartment set up for it.
    let result = unsafe { DoDragDrop(&files, &source, DROPEFFECT_COPY, &mut effect) };
    Ok(match result {
        DRAGDROP_S_DROP if effect != DROPEFFECT_NONE => Outcome::Dropped,
        DRAGDROP_S_DROP | DRAGDROP_S_CANCEL => Outcome::Cancelled,
        _ => Outcome::Failed,
    })
}

/// A thread's membership in an apartment of its own.
struct Apartment;

impl Apartment {
    fn enter() -> ComResult<Self> {
        // SAFETY: on a thread made for this; paired with the leaving below.
        unsafe { OleInitialize(None)? };
        Ok(Self)
    }
}

impl Drop for Apartment {
    fn drop(&mut self) {
        // SAFETY: paired with the entering above; every object made since is gone.
        unsafe { OleUninitialize() };
    }
}

/// Whether the key or button is down now, whatever this thread has heard of it.
fn down(key: VIRTUAL_KEY) -> bool {
    // SAFETY: without pointers.
    unsafe { GetAsyncKeyState(key.0.into()) < 0 }
}

/// Whether the left button is down: that under the first finger, for whoever has swapped them.
fn button() -> bool {
    // SAFETY: without pointers.
    let swapped = unsafe { GetSystemMetrics(SM_SWAPBUTTON) } != 0;
    down(if swapped { VK_RBUTTON } else { VK_LBUTTON })
}

/// Input shared with the editor's thread.
struct Input {
    editor: u32,
}

impl Input {
    /// Without it the drag may still work, so failure is not told.
    fn attach(editor: u32) -> Self {
        let mut message = MSG::default();
        // SAFETY: looking for a message gives this thread the queue that attaching needs; `message` is ours.
        unsafe {
            let _ = PeekMessageW(&mut message, None, 0, 0, PM_NOREMOVE);
            let _ = AttachThreadInput(GetCurrentThreadId(), editor, true);
        }
        Self::restore();
        Self { editor }
    }

    /// Attaching forgets, for both threads, which keys are down. The drag, its targets and the host want to know.
    fn restore() {
        let same = [
            VK_MBUTTON,
            VK_SHIFT,
            VK_CONTROL,
            VK_MENU,
            VK_LSHIFT,
            VK_RSHIFT,
            VK_LCONTROL,
            VK_RCONTROL,
            VK_LMENU,
            VK_RMENU,
        ];
        let mut keys = [0; 256];
        // SAFETY: the table has the 256 entries that both calls work on.
        unsafe {
            if GetKeyboardState(&mut keys).is_err() {
                return;
            }
            let held = same
                .into_iter()
                .filter(|&key| down(key))
                .chain(button().then_some(VK_LBUTTON));
            for key in held {
                if let Some(state) = keys.get_mut(usize::from(key.0)) {
                    *state |= 0x80;
                }
            }
            let _ = SetKeyboardState(&keys);
        }
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        // SAFETY: thread numbers only; not being attached is an error without effect.
        unsafe {
            let _ = AttachThreadInput(GetCurrentThreadId(), self.editor, false);
        }
    }
}

/// Looks for the Escape key. Presses go to the window with the focus, which is the editor's or the host's, and the drag,
/// on another thread, would not hear of them.
struct Escape {
    timer: usize,
}

impl Escape {
    /// How often, in milliseconds.
    const EVERY: u32 = 50;

    fn watch() -> Self {
        // A key that is down already (or stuck) is no wish to cancel.
        // SAFETY: the timer is this thread's, and its function lives as long as this library.
        let timer = if down(VK_ESCAPE) {
            0
        } else {
            unsafe { SetTimer(None, 0, Self::EVERY, Some(Self::look)) }
        };
        Self { timer }
    }

    /// Called by the drag's handling of messages.
    extern "system" fn look(_window: HWND, _message: u32, _timer: usize, _time: u32) {
        if down(VK_ESCAPE) {
            // SAFETY: without pointers.
            give_up(unsafe { GetCurrentThreadId() });
        }
    }
}

impl Drop for Escape {
    fn drop(&mut self) {
        // SAFETY: this thread's timer; none is an error without effect.
        unsafe {
            let _ = KillTimer(None, self.timer);
        }
    }
}

/// Tells the drag of a thread that Escape was pressed.
fn give_up(thread: u32) {
    // SAFETY: a message without pointers; a thread that ended takes none.
    unsafe {
        let _ = PostThreadMessageW(thread, WM_KEYDOWN, WPARAM(VK_ESCAPE.0.into()), LPARAM(1));
    }
}

/// Tells the drag to look at the wish to cancel: it does so on input only.
pub(super) fn wake(thread: &JoinHandle<()>) {
    // SAFETY: the handle is open as long as `thread` is.
    give_up(unsafe { GetThreadId(HANDLE(thread.as_raw_handle())) });
}

/// Keeps the library in memory for good, for a thread that did not end in time: better a leak than a crash of the host.
pub(super) fn keep_loaded() {
    let here: fn() = keep_loaded;
    let mut module = HMODULE::default();
    // SAFETY: with this flag the name is an address inside of the library, which `here` is.
    unsafe {
        let flags = GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_PIN;
        let _ = GetModuleHandleExW(flags, PCWSTR(here as *const u16), &mut module);
    }
}

/// The one format that is offered.
fn format() -> FORMATETC {
    FORMATETC {
        cfFormat: CF_HDROP.0,
        ptd: std::ptr::null_mut(),
        dwAspect: DVASPECT_CONTENT.0,
        lindex: -1,
        tymed: TYMED_HGLOBAL.0.cast_unsigned(),
    }
}

/// Whether this is the format, and if not, why.
///
/// # Safety
///
/// `asked` is null or points to a format.
unsafe fn check(asked: *const FORMATETC) -> HRESULT {
    // SAFETY: by contract.
    let Some(asked) = (unsafe { asked.as_ref() }) else {
        return E_INVALIDARG;
    };
    let ours = format();
    if asked.cfFormat != ours.cfFormat {
        DV_E_FORMATETC
    } else if asked.dwAspect != ours.dwAspect {
        DV_E_DVASPECT
    } else if asked.tymed & ours.tymed == 0 {
        DV_E_TYMED
    // Zero is wrong, and often sent.
    } else if asked.lindex != -1 && asked.lindex != 0 {
        DV_E_LINDEX
    } else {
        S_OK
    }
}

/// The files.
#[implement(IDataObject)]
struct Files {
    names: Vec<u8>,
}

impl IDataObject_Impl for Files_Impl {
    /// A fresh copy, which the asker frees.
    fn GetData(&self, asked: *const FORMATETC) -> ComResult<STGMEDIUM> {
        // SAFETY: the interface's contract.
        unsafe { check(asked) }.ok()?;
        Ok(STGMEDIUM {
            tymed: format().tymed,
            u: STGMEDIUM_0 {
                hGlobal: copied(&self.names)?,
            },
            // Nobody else frees it.
            pUnkForRelease: std::mem::ManuallyDrop::new(None),
        })
    }

    fn GetDataHere(&self, _asked: *const FORMATETC, _medium: *mut STGMEDIUM) -> ComResult<()> {
        Err(E_NOTIMPL.into())
    }

    fn QueryGetData(&self, asked: *const FORMATETC) -> HRESULT {
        // SAFETY: the interface's contract.
        unsafe { check(asked) }
    }

    fn GetCanonicalFormatEtc(&self, asked: *const FORMATETC, canonical: *mut FORMATETC) -> HRESULT {
        // SAFETY: the interface's contract: each is null or points to a format.
        unsafe {
            let (Some(asked), Some(canonical)) = (asked.as_ref(), canonical.as_mut()) else {
                return E_POINTER;
            };
            *canonical = FORMATETC {
                ptd: std::ptr::null_mut(),
                ..*asked
            };
        }
        DATA_S_SAMEFORMATETC
    }

    /// Some targets want to note how the drop went; nobody here would read it.
    fn SetData(&self, _format: *const FORMATETC, _medium: *const STGMEDIUM, _release: BOOL) -> ComResult<()> {
        Err(E_NOTIMPL.into())
    }

    fn EnumFormatEtc(&self, direction: u32) -> ComResult<IEnumFORMATETC> {
        if direction != DATADIR_GET.0.cast_unsigned() {
            return Err(E_NOTIMPL.into());
        }
        // SAFETY: the formats are copied.
        unsafe { SHCreateStdEnumFmtEtc(&[format()]) }
    }

    fn DAdvise(&self, _format: *const FORMATETC, _flags: u32, _sink: Ref<'_, IAdviseSink>) -> ComResult<u32> {
        Err(OLE_E_ADVISENOTSUPPORTED.into())
    }

    fn DUnadvise(&self, _connection: u32) -> ComResult<()> {
        Err(OLE_E_ADVISENOTSUPPORTED.into())
    }

    fn EnumDAdvise(&self) -> ComResult<IEnumSTATDATA> {
        Err(OLE_E_ADVISENOTSUPPORTED.into())
    }
}

/// The bytes in memory that another program may free.
fn copied(bytes: &[u8]) -> ComResult<HGLOBAL> {
    // SAFETY: the block is as long as what is written, is locked meanwhile, and is freed unless it is handed on.
    unsafe {
        let block = GlobalAlloc(GMEM_MOVEABLE, bytes.len())?;
        let at = GlobalLock(block);
        if at.is_null() {
            let error = windows::core::Error::from_thread();
            let _ = GlobalFree(Some(block));
            return Err(error);
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr(), at.cast(), bytes.len());
        // Says an error of none when the last lock goes.
        let _ = GlobalUnlock(block);
        Ok(block)
    }
}

/// The drag goes on while the left button is down.
#[implement(IDropSource)]
struct Button {
    state: Arc<State>,
}

impl IDropSource_Impl for Button_Impl {
    /// `keys` is what this thread has heard of, which begins with nothing; so the button itself is asked.
    fn QueryContinueDrag(&self, escape: BOOL, _keys: MODIFIERKEYS_FLAGS) -> HRESULT {
        if escape.as_bool() || self.state.cancelled() {
            DRAGDROP_S_CANCEL
        } else if button() {
            S_OK
        } else {
            DRAGDROP_S_DROP
        }
    }

    fn GiveFeedback(&self, _effect: DROPEFFECT) -> HRESULT {
        DRAGDROP_S_USEDEFAULTCURSORS
    }
}
