// Convolution of images (N, C, H, W) with kernels (O, C/groups, KH, KW), and its two adjoints, as matrix products whose
// operand `Windows` reads the images directly ("implicit GEMM", Chetlur et al. 2014, cuDNN): a window is never copied.
//
//                   output(m, n)                     m                n                     k
//   forward         output(n, o, oh, ow)             o                (n, oh, ow)           (c, kh, kw)
//   input's         grad_input(n, c, h, w)           c                (n, h, w)             (o, kh, kw)
//   weight's        grad_weight(o, c, kh, kw)        o                (c, kh, kw)           (n, oh, ow)
#include "operand.cuh"
#include "simt.cuh"
#include "tf32.cuh"
#include "tile.cuh"

struct Conv {
    int N, C, H, W, O, KH, KW, OH, OW;
    int stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w, groups;
    int splits, chunk;  // of the weight gradient's sum: `splits` parts of `chunk` (a multiple of every DEPTH)
};

// ---- images as matrices ----------------------------------------------------------------------------------------------

// Numbers the pixels (n, y, x) of a batch.
struct Pixels {
    Divider area, width;
    int count;

    __device__ __forceinline__ Pixels(int images, int height, int width)
        : area(max(height * width, 1)), width(max(width, 1)), count(images * height * width) {}

    __device__ __forceinline__ int at(int i, int& y, int& x) const {
        int rest;
        const int n = area.divide(i, rest);
        y = width.divide(rest, x);
        return n;
    }
};

// How one axis of windows lies in one axis of an image: tap i of the window at position y reads y*step + origin + i*tap.
struct Axis {
    int step, origin, tap;
};

// The elements of an image that windows cover: row = pixel = position (n, y, x) of a window, depth = tap (c, i, j).
template <class T>
struct Windows {
    static constexpr bool ALONG_DEPTH = false;  // neighbouring positions read neighbouring elements
    static constexpr int VECTOR = 1;
    static constexpr bool TABULATED = true;

    const T* data;  // the first channel of the group in image 0
    i64 image_stride;
    int H, W;
    Axis vertical, horizontal;
    Pixels pixels;
    Pixels taps;  // taps.area: taps of a channel; taps.width: taps of a row

    static constexpr int FAR = -(1 << 30);  // a row that is in no image, whatever is added

    struct __align__(16) Row {
        const T* address;  // of the window's first element, be it in the padding
        int h, w;
    };
    struct __align__(16) Depth {
        int offset, h, w;
    };
    __device__ __forceinline__ Row row(int pixel) const {
        if (pixel >= pixels.count) return {data, FAR, FAR};
        int y, x;
        const int n = pixels.at(pixel, y, x);
        const int h = y * vertical.step + vertical.origin, w = x * horizontal.step + horizontal.origin;
        return {data + (n * image_stride + (i64(h) * W + w)), h, w};
    }
    __device__ __forceinline__ Depth depth(int tap) const {
        if (tap >= taps.count) return {0, FAR, FAR};
        int i, j;
        const int c = taps.at(tap, i, j);
        const int h = i * vertical.tap, w = j * horizontal.tap;
        return {(c * H + h) * W + w, h, w};
    }
    __device__ __forceinline__ const T* at(const Row& row, const Depth& depth) const {
        return row.address + depth.offset;
    }
    __device__ __forceinline__ bool inside(const Row& row, const Depth& depth) const {
        return u32(row.h + depth.h) < u32(H) && u32(row.w + depth.w) < u32(W);
    }
};

// An operand with rows and depths exchanged.
template <class Operand>
struct Transposed {
    static constexpr bool ALONG_DEPTH = !Operand::ALONG_DEPTH;
    static constexpr int VECTOR = Operand::VECTOR;
    static constexpr bool TABULATED = Operand::TABULATED;
    typedef typename Operand::Depth Row;
    typedef typename Operand::Row Depth;

    Operand operand;

    __device__ __forceinline__ Row row(int i) const { return operand.depth(i); }
    __device__ __forceinline__ Depth depth(int k) const { return operand.row(k); }
    __device__ __forceinline__ auto at(const Row& row, const Depth& depth) const { return operand.at(depth, row); }
    __device__ __forceinline__ bool inside(const Row& row, const Depth& depth) const {
        return operand.inside(depth, row);
    }
};

// A group's channels of images as an output: m = channel, n = pixel (n, y, x) of those that lie at (y*step_y + first_y,
// x*step_x + first_x).
template <class T>
struct Images {
    T* data;        // the first channel of the group in image 0
    const T* bias;  // (channels,) of the group, or null
    i64 image_stride;
    int channels, H, W;
    int step_y, first_y, step_x, first_x;
    Pixels pixels;

    __device__ __forceinline__ T* column(int pixel) const {
        if (pixel >= pixels.count) return nullptr;
        int y, x;
        const int n = pixels.at(pixel, y, x);
        return data + n * image_stride + ((y * step_y + first_y) * W + x * step_x + first_x);
    }
    __device__ __forceinline__ void put(int m, T* column, T sum) const {
        if (column != nullptr && m < channels) column[m * (H * W)] = bias != nullptr ? sum + bias[m] : sum;
    }
};

// ---- forward ---------------------------------------------------------------------------------------------------------

//! instances: conv2d<float,Large,1> conv2d<float,Medium,1> conv2d<float,Narrow,1>
//! instances: conv2d<double,Medium,1> conv2d<double,Narrow,1>
//! instances(80): conv2d<float,TensorLarge,1> conv2d<float,TensorLarge,4>
//! instances(80): conv2d<float,TensorWide,1> conv2d<float,TensorWide,4>
//! instances(80): conv2d<float,TensorCompact,1> conv2d<float,TensorCompact,4>
//! instances(80): conv2d<float,TensorMedium,1> conv2d<float,TensorMedium,4>

// input (N, C, H, W), weight (O, C/groups, KH, KW), bias (O,) or null -> output (N, O, OH, OW). A block a tile of a group.
// V: how many elements of the weight are read at once.
template <class T, class Size, int V>
__global__ void __launch_bounds__(Size::template For<T>::THREADS, Size::template For<T>::BLOCKS)
    conv2d(const T* input, const T* weight, const T* bias, T* output, Conv conv) {
    typedef typename Size::template For<T> Tile;
    const int channels = conv.C / conv.groups, filters = conv.O / conv.groups;
    const int depth = channels * conv.KH * conv.KW;
    const Pixels pixels(conv.N, conv.OH, conv.OW);
    const int tiles_m = tiles(filters, Tile::ROWS), tiles_n = tiles(pixels.count, Tile::COLUMNS);
    const int m0 = blockIdx.x % tiles_m * Tile::ROWS;
    const int n0 = blockIdx.x / tiles_m % tiles_n * Tile::COLUMNS;
    const int group = blockIdx.x / tiles_m / tiles_n;

    const Strided<T, true, V> a = {weight + i64(group) * filters * depth, depth, 1, filters, depth};
    const Windows<T> b = {input + i64(group) * channels * conv.H * conv.W,
                          i64(conv.C) * conv.H * conv.W,
                          conv.H,
                          conv.W,
                          {conv.stride_h, -conv.padding_h, conv.dilation_h},
                          {conv.stride_w, -conv.padding_w, conv.dilation_w},
                          pixels,
                          Pixels(channels, conv.KH, conv.KW)};
    Tile tile;
    tile.multiply(a, b, m0, n0, 0, depth);
    const Images<T> to = {output + i64(group) * filters * conv.OH * conv.OW,
                          bias != nullptr ? bias + group * filters : nullptr,
                          i64(conv.O) * conv.OH * conv.OW,
                          filters, conv.OH, conv.OW, 1, 0, 1, 0, pixels};
    tile.write(to, m0, n0);
}

// ---- the input's gradient --------------------------------------------------------------------------------------------

// One axis of one phase of the input's gradient. Output position p and tap r meet at h + padding = p*stride + r*dilation,
// so what h gets depends on (h + padding) % stride = phase: only some taps reach it, at regular distances. Within a phase
// the gradient is a convolution of stride 1: tap i of position y (h = y*stride + first) reads p = origin + y - i*tap.
struct Phase {
    int first, count;           // positions h = first + stride*y, 0 <= y < count
    int first_tap, every, taps; // taps r = first_tap + every*i, 0 <= i < taps
    int origin, tap;

    __device__ __forceinline__ Phase(int phase, int size, int kernel, int stride, int padding, int dilation) {
        first = (phase + stride - padding % stride) % stride;
        count = first < size ? tiles(size - first, stride) : 0;
        int common = stride;  // greatest common divisor of stride and dilation
        for (int other = dilation; other != 0;) {
            const int rest = common % other;
            common = other;
            other = rest;
        }
        every = stride / common;
        tap = dilation / common;
        first_tap = 0;
        while (first_tap < every && i64(first_tap) * dilation % stride != phase) ++first_tap;
        taps = first_tap < every && first_tap < kernel ? tiles(kernel - first_tap, every) : 0;
        origin = taps > 0 ? (first + padding - first_tap * dilation) / stride : 0;  // without a remainder
    }
};

// The weights of a phase: row = channel c of the group, depth = tap (o, i, j) of the phase.
template <class T>
struct PhaseWeights {
    static constexpr bool ALONG_DEPTH = true;
    static constexpr int VECTOR = 1;
    static constexpr bool TABULATED = true;

    const T* data;  // weight of the group: (filters, channels, KH, KW)
    int channels, KH, KW;
    int first_i, every_i, first_j, every_j;
    Pixels taps;  // (filters, taps of a column, taps of a row)

    struct __align__(16) Row {
        const T* address;
        bool inside;
    };
    struct Depth {
        int offset;
        bool inside;
    };
    __device__ __forceinline__ Row row(int c) const { return {data + c * KH * KW, c < channels}; }
    __device__ __forceinline__ Depth depth(int tap) const {
        if (tap >= taps.count) return {0, false};
        int i, j;
        const int o = taps.at(tap, i, j);
        return {(o * channels * KH + first_i + i * every_i) * KW + first_j + j * every_j, true};
    }
    __device__ __forceinline__ const T* at(const Row& row, const Depth& depth) const {
        return row.address + depth.offset;
    }
    __device__ __forceinline__ bool inside(const Row& row, const Depth& depth) const {
        return row.inside && depth.inside;
    }
};

// Images as outputs, where windows end at the padding instead of reading zeros there: against an infinite weight these
// would make NaN. So what is NaN is added up again, only from what there is, by the thread that has written it.
template <class T>
struct Gradients {
    Images<T> images;
    PhaseWeights<T> weights;
    Windows<T> windows;
    mutable bool found;  // a NaN

    __device__ __forceinline__ T* column(int pixel) const { return images.column(pixel); }
    __device__ __forceinline__ void put(int m, T* column, T sum) const {
        found |= sum != sum;
        images.put(m, column, sum);
    }
    __device__ __forceinline__ void repair(int m, int pixel) const {
        T* const column = images.column(pixel);
        if (column == nullptr || m >= images.channels) return;
        const T old = column[m * (images.H * images.W)];
        if (old == old) return;
        const auto channel = weights.row(m);
        const auto window = windows.row(pixel);
        T sum = T(0);
        for (int k = 0; k < windows.taps.count; ++k) {
            const auto tap = windows.depth(k);
            if (windows.inside(window, tap)) sum += *weights.at(channel, weights.depth(k)) * *windows.at(window, tap);
        }
        images.put(m, column, sum);
    }
};

//! instances: conv2d_backward_input<float,Large> conv2d_backward_input<float,Medium>
//! instances: conv2d_backward_input<float,Narrow>
//! instances: conv2d_backward_input<double,Medium> conv2d_backward_input<double,Narrow>
//! instances(80): conv2d_backward_input<float,TensorLarge> conv2d_backward_input<float,TensorCompact>
//! instances(80): conv2d_backward_input<float,TensorWide> conv2d_backward_input<float,TensorMedium>

// grad_output (N, O, OH, OW), weight (O, C/groups, KH, KW) -> grad_input (N, C, H, W). A block a tile of a phase of a
// group; the grid has as many tiles for each phase as the largest has. Some tiles need more registers here than would
// leave room for the blocks that they otherwise have at once.
template <class T, class Size>
__global__ void __launch_bounds__(Size::template For<T>::THREADS, 1)
    conv2d_backward_input(const T* grad_output, const T* weight, T* grad_input, Conv conv) {
    typedef typename Size::template For<T> Tile;
    const int channels = conv.C / conv.groups, filters = conv.O / conv.groups;
    const int most = conv.N * tiles(conv.H, conv.stride_h) * tiles(conv.W, conv.stride_w);
    const int tiles_m = tiles(channels, Tile::ROWS), tiles_n = tiles(most, Tile::COLUMNS);
    const int m0 = blockIdx.x % tiles_m * Tile::ROWS;
    const int n0 = blockIdx.x / tiles_m % tiles_n * Tile::COLUMNS;
    const int rest = blockIdx.x / tiles_m / tiles_n;  // (group, phase of h, phase of w)
    const int group = rest / conv.stride_w / conv.stride_h;
    const Phase v(rest / conv.stride_w % conv.stride_h, conv.H, conv.KH, conv.stride_h, conv.padding_h, conv.dilation_h);
    const Phase h(rest % conv.stride_w, conv.W, conv.KW, conv.stride_w, conv.padding_w, conv.dilation_w);
    const Pixels pixels(conv.N, v.count, h.count), taps(filters, v.taps, h.taps);
    if (n0 >= pixels.count) return;

    const PhaseWeights<T> a = {weight + i64(group) * filters * channels * conv.KH * conv.KW, channels, conv.KH, conv.KW,
                               v.first_tap, v.every, h.first_tap, h.every, taps};
    const Windows<T> b = {grad_output + i64(group) * filters * conv.OH * conv.OW,
                          i64(conv.O) * conv.OH * conv.OW,
                          conv.OH, conv.OW,
                          {1, v.origin, -v.tap},
                          {1, h.origin, -h.tap},
                          pixels, taps};
    Tile tile;
    tile.multiply(a, b, m0, n0, 0, taps.count);
    const Images<T> to = {grad_input + i64(group) * channels * conv.H * conv.W,
                          nullptr,
                          i64(conv.C) * conv.H * conv.W,
                          channels, conv.H, conv.W, conv.stride_h, v.first, conv.stride_w, h.first, pixels};
    const Gradients<T> gradients = {to, a, b, false};
    tile.write(gradients, m0, n0);
    if (gradients.found) Tile::each_place(m0, n0, [&](int m, int n) { gradients.repair(m, n); });
}

// ---- the weight's gradient -------------------------------------------------------------------------------------------

// Channels of images as rows, pixels (n, p) as depth, where p counts the pixels of an image.
template <class T, int Vector>
struct Channels {
    static constexpr bool ALONG_DEPTH = true;
    static constexpr int VECTOR = Vector;
    static constexpr bool TABULATED = false;

    struct __align__(16) Row {
        const T* address;
        bool inside;
    };
    struct Depth {
        i64 offset;
        bool inside;
    };

    const T* data;  // the first channel of the group in image 0
    i64 image_stride, row_stride;
    int rows;
    Pixels pixels;

    __device__ __forceinline__ Row row(int c) const { return {data + c * row_stride, c < rows}; }
    __device__ __forceinline__ Depth depth(int pixel) const {
        if (pixel >= pixels.count) return {0, false};
        int p;
        const int n = pixels.area.divide(pixel, p);
        return {n * image_stride + p, true};
    }
    __device__ __forceinline__ const T* at(const Row& row, const Depth& depth) const {
        return row.address + depth.offset;
    }
    __device__ __forceinline__ bool inside(const Row& row, const Depth& depth) const {
        return row.inside && depth.inside;
    }
};

//! instances: conv2d_backward_weight<float,Large,1> conv2d_backward_weight<float,Medium,1>
//! instances: conv2d_backward_weight<float,Narrow,1>
//! instances: conv2d_backward_weight<double,Medium,1> conv2d_backward_weight<double,Narrow,1>
//! instances(80): conv2d_backward_weight<float,TensorLarge,1> conv2d_backward_weight<float,TensorLarge,4>
//! instances(80): conv2d_backward_weight<float,TensorWide,1> conv2d_backward_weight<float,TensorWide,4>
//! instances(80): conv2d_backward_weight<float,TensorCompact,1> conv2d_backward_weight<float,TensorCompact,4>
//! instances(80): conv2d_backward_weight<float,TensorMedium,1> conv2d_backward_weight<float,TensorMedium,4>

// input (N, C, H, W), grad_output (N, O, OH, OW) -> grad_weight (splits, O, C/groups, KH, KW). The sum is over all pixels
// of the batch and the result is small, so that there are too few tiles to fill a GPU: the sum is split, and add_splits
// (gemm.cu) follows. A block a tile of a split of a group. V: how many elements of grad_output are read at once.
template <class T, class Size, int V>
__global__ void __launch_bounds__(Size::template For<T>::THREADS, Size::template For<T>::BLOCKS)
    conv2d_backward_weight(const T* input, const T* grad_output, T* grad_weight, Conv conv) {
    typedef typename Size::template For<T> Tile;
    const int channels = conv.C / conv.groups, filters = conv.O / conv.groups;
    const Pixels pixels(conv.N, conv.OH, conv.OW), taps(channels, conv.KH, conv.KW);
    const int tiles_m = tiles(filters, Tile::ROWS), tiles_n = tiles(taps.count, Tile::COLUMNS);
    const int m0 = blockIdx.x % tiles_m * Tile::ROWS;
    const int n0 = blockIdx.x / tiles_m % tiles_n * Tile::COLUMNS;
    const int split = blockIdx.x / tiles_m / tiles_n % conv.splits;
    const int group = blockIdx.x / tiles_m / tiles_n / conv.splits;

    const T* const images = input + i64(group) * channels * conv.H * conv.W;
    const Channels<T, V> a = {grad_output + i64(group) * filters * conv.OH * conv.OW,
                              i64(conv.O) * conv.OH * conv.OW, conv.OH * conv.OW, filters, pixels};
    const Transposed<Windows<T>> b = {{images,
                                       i64(conv.C) * conv.H * conv.W,
                                       conv.H, conv.W,
                                       {conv.stride_h, -conv.padding_h, conv.dilation_h},
                                       {conv.stride_w, -conv.padding_w, conv.dilation_w},
                                       pixels, taps}};
    const int k_begin = split * conv.chunk;
    const int k_end = pixels.count - k_begin > conv.chunk ? k_begin + conv.chunk : pixels.count;
    Tile tile;
    tile.multiply(a, b, m0, n0, k_begin, k_end);
    T* const to = grad_weight + (i64(split) * conv.groups + group) * filters * taps.count;
    tile.write(Matrix<T>{to, nullptr, false, filters, taps.count}, m0, n0);
}
