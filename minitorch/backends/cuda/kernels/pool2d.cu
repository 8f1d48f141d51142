// Max-pooling with its scatter and gather, average pooling and its adjoint, of images (planes, H, W).
//
// Every kernel has a thread for each element that it writes, and a thread only reads what it needs: the gradients
// gather from the windows that have an element, where a loop over the windows would have to add to it atomically. So
// the order of every sum is fixed.
//
// Window o of an axis has the taps k = 0 ... kernel - 1 at the positions o * stride - padding + k * dilation.
//
// A GPU has no instruction that divides integers: 32 bits take some twenty others and 64 bits a hundred, more than the
// rest of these kernels. So they multiply instead, see `quotient`. Count is the type that elements are counted in: u32
// where there are fewer than 2^31, else u64, which is divided.

//! instances: max_pool2d<float,u8,u32> max_pool2d<float,u8,u64> max_pool2d<float,int,u32> max_pool2d<float,int,u64>
//! instances: max_pool2d<double,u8,u32> max_pool2d<double,u8,u64> max_pool2d<double,int,u32> max_pool2d<double,int,u64>
//! instances: max_pool2d_backward<float,u8,u32> max_pool2d_backward<float,u8,u64>
//! instances: max_pool2d_backward<float,int,u32> max_pool2d_backward<float,int,u64>
//! instances: max_pool2d_backward<double,u8,u32> max_pool2d_backward<double,u8,u64>
//! instances: max_pool2d_backward<double,int,u32> max_pool2d_backward<double,int,u64>
//! instances: max_pool2d_gather<float,u8,u32> max_pool2d_gather<float,u8,u64>
//! instances: max_pool2d_gather<float,int,u32> max_pool2d_gather<float,int,u64>
//! instances: max_pool2d_gather<double,u8,u32> max_pool2d_gather<double,u8,u64>
//! instances: max_pool2d_gather<double,int,u32> max_pool2d_gather<double,int,u64>
//! instances: avg_pool2d<float,u32> avg_pool2d<float,u64> avg_pool2d<double,u32> avg_pool2d<double,u64>
//! instances: avg_pool2d_backward<float,u32> avg_pool2d_backward<float,u64>
//! instances: avg_pool2d_backward<double,u32> avg_pool2d_backward<double,u64>

struct Pool {
    int H, W, OH, OW, KH, KW;
    int stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w;
    u32 multipliers[6], shifts[6];  // for `quotient`, in the order of Divisor
};

enum Divisor { by_H, by_W, by_OH, by_OW, by_stride_h, by_stride_w };

// n / divisor for n < 2^31, as a product with 2^(32 + shift) / divisor, rounded up (Granlund and Montgomery: "Division
// by invariant integers using multiplication", 1994).
__device__ __forceinline__ u32 quotient(u32 n, const Pool& g, Divisor divisor, int) {
    return (__umulhi(n, g.multipliers[divisor]) + n) >> g.shifts[divisor];
}

__device__ __forceinline__ u64 quotient(u64 n, const Pool&, Divisor, int divisor) { return n / u32(divisor); }

// Element number i of an array of planes of rows and columns.
template <class Count>
struct Place {
    int row, column;
    Count plane;

    static __device__ __forceinline__ Place of_input(Count i, const Pool& g) {
        return Place(i, quotient(i, g, by_W, g.W), g.W, g, by_H, g.H);
    }
    static __device__ __forceinline__ Place of_output(Count i, const Pool& g) {
        return Place(i, quotient(i, g, by_OW, g.OW), g.OW, g, by_OH, g.OH);
    }

  private:
    __device__ __forceinline__ Place(Count i, Count line, int columns, const Pool& g, Divisor by_rows, int rows) {
        column = int(i - line * u32(columns));
        plane = quotient(line, g, by_rows, rows);
        row = int(line - plane * u32(rows));
    }
};

template <class Count>
__device__ __forceinline__ Count element_number() {
    return Count(blockIdx.x) * blockDim.x + threadIdx.x;
}

// 0 <= position < size, with one comparison: as unsigned numbers the negative ones are huge.
__device__ __forceinline__ bool inside(int position, int size) { return u32(position) < u32(size); }

// The windows, from `first` to `last`, between whose ends an element lies, along the rows or the columns of the input.
struct Windows {
    int first, last;

    static __device__ __forceinline__ Windows of_row(int h, const Pool& g) {
        return Windows(h + g.padding_h, (g.KH - 1) * g.dilation_h, g.OH, g, by_stride_h, g.stride_h);
    }
    static __device__ __forceinline__ Windows of_column(int w, const Pool& g) {
        return Windows(w + g.padding_w, (g.KW - 1) * g.dilation_w, g.OW, g, by_stride_w, g.stride_w);
    }

  private:
    // They begin at multiples of the stride, at most `extent` before the position and not behind it.
    __device__ __forceinline__ Windows(int position, int extent, int size, const Pool& g, Divisor by_stride,
                                       int stride) {
        first = position > extent ? quotient(u32(position - extent + stride - 1), g, by_stride, stride) : 0;
        last = min(int(quotient(u32(position), g, by_stride, stride)), size - 1);
    }
};

// The tap of window o that lies at a position among the window's ends, or -1 if the dilation steps over it.
__device__ __forceinline__ int tap_at(int position, int o, int stride, int padding, int dilation) {
    const int distance = position + padding - o * stride;
    if (dilation == 1) return distance;
    return distance % dilation == 0 ? distance / dilation : -1;
}

// ---- maximum -----------------------------------------------------------------------------------------------------

// The first tap, of a window that begins at `start`, that isn't in the padding before the input.
__device__ __forceinline__ int first_tap(int start, int dilation) {
    if (start >= 0) return 0;
    return dilation == 1 ? -start : (dilation - 1 - start) / dilation;
}

// input (planes, H, W) -> output and taps (planes, OH, OW), n elements: the maximum and its offset kh * KW + kw. The
// first maximum wins; NaN is larger than every number. Padding isn't looked at, so it never wins.
template <class T, class Tap, class Count>
__global__ void __launch_bounds__(256)
    max_pool2d(const T* __restrict__ input, T* __restrict__ output, Tap* __restrict__ taps, Pool g, Count n) {
    const Count i = element_number<Count>();
    if (i >= n) return;
    const auto window = Place<Count>::of_output(i, g);
    const T* const image = input + i64(window.plane) * g.H * g.W;
    const int top = window.row * g.stride_h - g.padding_h, left = window.column * g.stride_w - g.padding_w;
    const int first_kh = first_tap(top, g.dilation_h), first_kw = first_tap(left, g.dilation_w);
    T best = -Limits<T>::infinity();
    int tap = first_kh * g.KW + first_kw;  // where all elements are -inf it stays so
    bool empty = true;
    for (int kh = first_kh, h = top + kh * g.dilation_h; kh < g.KH && h < g.H; ++kh, h += g.dilation_h) {
        const T* const row = image + i64(h) * g.W;
        for (int kw = first_kw, w = left + kw * g.dilation_w; kw < g.KW && w < g.W; ++kw, w += g.dilation_w) {
            const T x = row[w];
            empty = false;
            if (!(x <= best) && best == best) {  // larger, or the first NaN
                best = x;
                tap = kh * g.KW + kw;
            }
        }
    }
    output[i] = best;
    taps[i] = Tap(empty ? 0 : tap);
}

// grad_output and taps (planes, OH, OW) -> grad_input (planes, H, W), n elements: each is the sum over the windows
// whose tap it is.
template <class T, class Tap, class Count>
__global__ void __launch_bounds__(256, 4)
    max_pool2d_backward(const T* __restrict__ grad_output, const Tap* __restrict__ taps, T* __restrict__ grad_input,
                        Pool g, Count n) {
    const Count i = element_number<Count>();
    if (i >= n) return;
    const auto element = Place<Count>::of_input(i, g);
    const auto rows = Windows::of_row(element.row, g), columns = Windows::of_column(element.column, g);
    T sum = 0;
    for (int oh = rows.first; oh <= rows.last; ++oh) {
        const int kh = tap_at(element.row, oh, g.stride_h, g.padding_h, g.dilation_h);
        if (kh < 0) continue;
        const i64 row = (i64(element.plane) * g.OH + oh) * g.OW;
        for (int ow = columns.first; ow <= columns.last; ++ow) {
            const int kw = tap_at(element.column, ow, g.stride_w, g.padding_w, g.dilation_w);
            if (kw >= 0 && int(taps[row + ow]) == kh * g.KW + kw) sum += grad_output[row + ow];
        }
    }
    grad_input[i] = sum;
}

// input (planes, H, W), taps (planes, OH, OW) -> output (planes, OH, OW), n elements: the element that each tap names,
// 0 where it names padding.
template <class T, class Tap, class Count>
__global__ void __launch_bounds__(256)
    max_pool2d_gather(const T* __restrict__ input, const Tap* __restrict__ taps, T* __restrict__ output, Pool g,
                      Count n) {
    const Count i = element_number<Count>();
    if (i >= n) return;
    const auto window = Place<Count>::of_output(i, g);
    const int tap = taps[i], kh = tap / g.KW, kw = tap % g.KW;
    const int h = window.row * g.stride_h - g.padding_h + kh * g.dilation_h;
    const int w = window.column * g.stride_w - g.padding_w + kw * g.dilation_w;
    const bool named = inside(h, g.H) && inside(w, g.W);
    output[i] = named ? input[(i64(window.plane) * g.H + h) * g.W + w] : T(0);
}

// ---- mean --------------------------------------------------------------------------------------------------------

// How many elements of an axis window o has, those of the padding counted or not.
__device__ __forceinline__ int window_length(int o, int size, int kernel, int stride, int padding, bool count_padding) {
    const int start = o * stride - padding, end = min(start + kernel, size + padding);
    return count_padding ? max(end - start, 0) : max(min(end, size) - max(start, 0), 0);
}

// What the sum of window (oh, ow) is divided by; 1 instead of 0, for the sum of a window without elements is 0.
template <class T>
__device__ __forceinline__ T window_divisor(const Pool& g, int oh, int ow, bool count_padding, i64 divisor_override) {
    if (divisor_override != 0) return T(divisor_override);
    const i64 height = window_length(oh, g.H, g.KH, g.stride_h, g.padding_h, count_padding);
    const i64 width = window_length(ow, g.W, g.KW, g.stride_w, g.padding_w, count_padding);
    return T(max(height * width, i64(1)));
}

// input (planes, H, W) -> output (planes, OH, OW), n elements. A divisor_override of 0 is none. The dilation is 1.
template <class T, class Count>
__global__ void __launch_bounds__(256)
    avg_pool2d(const T* __restrict__ input, T* __restrict__ output, Pool g, bool count_padding, i64 divisor_override,
               Count n) {
    const Count i = element_number<Count>();
    if (i >= n) return;
    const auto window = Place<Count>::of_output(i, g);
    const T* const image = input + i64(window.plane) * g.H * g.W;
    const int top = window.row * g.stride_h - g.padding_h, left = window.column * g.stride_w - g.padding_w;
    const int bottom = min(top + g.KH, g.H), right = min(left + g.KW, g.W);
    T sum = 0;
    for (int h = max(top, 0); h < bottom; ++h) {
        for (int w = max(left, 0); w < right; ++w) sum += image[i64(h) * g.W + w];
    }
    output[i] = sum / window_divisor<T>(g, window.row, window.column, count_padding, divisor_override);
}

// grad_output (planes, OH, OW) -> grad_input (planes, H, W), n elements: the sum of the shares of the windows that an
// element is in.
template <class T, class Count>
__global__ void __launch_bounds__(256, 4)
    avg_pool2d_backward(const T* __restrict__ grad_output, T* __restrict__ grad_input, Pool g, bool count_padding,
                        i64 divisor_override, Count n) {
    const Count i = element_number<Count>();
    if (i >= n) return;
    const auto element = Place<Count>::of_input(i, g);
    const auto rows = Windows::of_row(element.row, g), columns = Windows::of_column(element.column, g);
    T sum = 0;
    for (int oh = rows.first; oh <= rows.last; ++oh) {
        const T* const row = grad_output + (i64(element.plane) * g.OH + oh) * g.OW;
        for (int ow = columns.first; ow <= columns.last; ++ow) {
            sum += row[ow] / window_divisor<T>(g, oh, ow, count_padding, divisor_override);
        }
    }
    grad_input[i] = sum;
}
