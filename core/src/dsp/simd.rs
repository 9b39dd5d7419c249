//! Compiling a loop for the processor at hand.

/// Evaluates an expression compiled for the widest vector instructions of the processor (AVX2 with FMA on x86-64, found
/// at run time; NEON on AArch64), so that its loops vectorise eight floats wide. Functions that it calls must be
/// `#[inline(always)]`, or they stay compiled for the baseline.
///
/// `pulp::Arch::dispatch(|| …)` alone does not do that: a closure which could be called more than once is reached
/// through a shim that the compiler is free not to inline, and then none of it is vectorised any wider. The token that
/// this closure consumes makes it callable once only, without a shim.
///
/// ```
/// # use loopwright_core::vectorized;
/// # let (a, mut b) = (vec![1.0f32; 64], vec![2.0f32; 64]);
/// vectorized!({
///     for (b, a) in b.iter_mut().zip(&a) {
///         *b += a;
///     }
/// });
/// # assert!(b.iter().all(|&x| x == 3.0));
/// ```
#[macro_export]
macro_rules! vectorized {
    ($body:expr) => {{
        let once = $crate::dsp::simd::Once;
        $crate::dsp::simd::pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                let $crate::dsp::simd::Once = { once };
                $body
            },
        )
    }};
}

#[doc(hidden)]
pub use pulp;

/// What [`vectorized!`](crate::vectorized) consumes. Not `Copy`, on purpose.
#[doc(hidden)]
#[derive(Debug)]
pub struct Once;
