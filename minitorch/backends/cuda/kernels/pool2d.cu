// Max-pooling with its scatter and gather, average pooling and its adjoint, of images (planes, H, W).
//
// Every kernel has a thread for each element that it writes, and a thread only reads what it needs: the gradients
// gather from the windows that have an element, where a loop over the windows would have to add to it atomically. So
// the order of every sum is fixed.
//
// Window o of an axis has the taps k = 0 ... kernel - 1 at the positions o * stride - padding + k * dilation.
//
// Count is the type that elements are counted in: u32 where there are few enough, because a GPU divides numbers of 64
// bits many times slower.

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
};

// Element number i of an array of planes (rows, columns).
template <class Count>
struct Place {
    int row, column;
    Count plane;

    __device__ __forceinline__ Place(Count i, int rows, int columns) {
        const Count line = i / Count(columns);
        column = int(i - line * Count(columns));
        plane = line / Count(rows);
        row = int(line - plane * Count(rows));
    }
};

template <class Count>
__device__ __forceinline__ Count element_number() {
    return Count(blockIdx.x) * blockDim.x + threadIdx.x;
}

// 0 <= position < size, with one comparison: as unsigned numbers the negative ones are huge.
__device__ __forceinline__ bool inside(int position, int size) { return u32(position) < u32(size); }

// The windows of an axis, from `first` to `last`, that have a tap between whose ends a position lies.
struct Windows {
    int first, last;

    __device__ __forceinline__ Windows(int position, int size, int kernel, int stride, int padding, int dilation) {
        const int end = position + padding, begin = end - (kernel - 1) * dilation;  // of where they may start
        first = begin > 0 ? (begin + stride - 1) / stride : 0;
        last = min(end / stride, size - 1);
    }
};

// The tap of window o that lies at a position among the window's ends, or -1 if the dilation steps over it.
__device__ __forceinline__ int tap_at(int position, int o, int stride, int padding, int dilation) {
    const int distance = position + padding - o * stride;
    if (dilation == 1) return distance;
    return distance % dilation == 0 ? distance / dilation : -1;
}

// ---- maximum -----------------------------------------------------------------------------------------------------

// input (planes, H, W) -> output and taps (planes, OH, OW), n elements: the maximum and its offset kh * KW + kw. The
// first maximum wins; NaN is larger than every number. Padding isn't looked at, so it never wins.
template <class T, class Tap, class Count>
__global__ void max_pool2d(const T* __restrict__ input, T* __restrict__ output, Tap* __restrict__ taps, Pool g,
                           Count n) {
    const Count i = element_number<Count>();
    if (i >= n) return;
    const Place<Count> window(i, g.OH, g.OW);
    const T* const image = input + i64(window.plane) * g.H * g.W;
    const int top = window.row * g.stride_h - g.padding_h, left = window.column * g.stride_w - g.padding_w;
    T best = -Limits<T>::infinity();
    int tap = -1;
    for (int kh = 0; kh < g.KH; ++kh) {
        const int h = top + kh * g.dilation_h;
        if (!inside(h, g.H)) continue;
        const T* const row = image + i64(h) * g.W;
        for (int kw = 0; kw < g.KW; ++kw) {
            const int w = left + kw * g.dilation_w;
            if (!inside(w, g.W)) continue;
            const T x = row[w];
            const bool first_nan = x != x && best == best;
            if (x > best || first_nan || tap < 0) {
                best = x;
                tap = kh * g.KW + kw;
            }
        }
    }
    output[i] = best;
    taps[i] = Tap(max(tap, 0));  // 0 for a window without elements, where it names padding
}

// grad_output and taps (planes, OH, OW) -> grad_input (planes, H, W), n elements: each is the sum over the windows
// whose tap it is.
template <class T, class Tap, class Count>
__global__ void max_pool2d_backward(const T* __restrict__ grad_output, const Tap* __restrict__ taps,
                                    T* __restrict__ grad_input, Pool g, Count n) {
    const Count i = element_number<Count>();
    if (i >= n) return;
    const Place<Count> element(i, g.H, g.W);
    const Windows rows(element.row, g.OH, g.KH, g.stride_h, g.padding_h, g.dilation_h);
    const Windows columns(element.column, g.OW, g.KW, g.stride_w, g.padding_w, g.dilation_w);
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
__global__ void max_pool2d_gather(const T* __restrict__ input, const Tap* __restrict__ taps, T* __restrict__ output,
                                  Pool g, Count n) {
    const Count i = element_number<Count>();
    if (i >= n) return;
    const Place<Count> window(i, g.OH, g.OW);
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
__global__ void avg_pool2d(const T* __restrict__ input, T* __restrict__ output, Pool g, bool count_padding,
                           i64 divisor_override, Count n) {
    const Count i = element_number<Count>();
    if (i >= n) return;
    const Place<Count> window(i, g.OH, g.OW);
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
__global__ void avg_pool2d_backward(const T* __restrict__ grad_output, T* __restrict__ grad_input, Pool g,
                                    bool count_padding, i64 divisor_override, Count n) {
    const Count i = element_number<Count>();
    if (i >= n) return;
    const Place<Count> element(i, g.H, g.W);
    const Windows rows(element.row, g.OH, g.KH, g.stride_h, g.padding_h, 1);
    const Windows columns(element.column, g.OW, g.KW, g.stride_w, g.padding_w, 1);
    T sum = 0;
    for (int oh = rows.first; oh <= rows.last; ++oh) {
        const T* const row = grad_output + (i64(element.plane) * g.OH + oh) * g.OW;
        for (int ow = columns.first; ow <= columns.last; ++ow) {
            sum += row[ow] / window_divisor<T>(g, oh, ow, count_padding, divisor_override);
        }
    }
    grad_input[i] = sum;
}
