// Groups of elements that are reduced together: x[p, o, r] of an array (P, O, R), for one o, over all p and r.
//
// Sums, means and variances of whichever dimensions come to this form. The rows of a matrix are the groups of P = 1; the
// channels of (N, C, H, W) are those of P = N, O = C, R = H·W. Element e = p·R + r of a group is `gap` = (O - 1)·R
// further away than in an array of this group alone for every p before it.
//
// The threads that share a group step over its elements together, each `pack` neighbours at a time, which are 16 bytes
// where R allows it. What a thread has to itself it adds first; then threads meet in pairs, then pairs of pairs.

constexpr int group_threads = 256;  // in a block of these kernels
constexpr int busy_blocks = 3;      // so many blocks on a multiprocessor keep its memory busy

struct Groups {
    i64 outer, groups, inner;  // P, O, R
    i64 chunk;                 // a block's share of a group's elements; a multiple of what its threads take at once
    i64 step, leap, turn;      // from one element of a thread to its next; see Walk
    int width;                 // how many threads share a group: a power of two, up to a block
    u32 parts;                 // how many blocks share a group, if a block isn't shared by groups
};

// Some neighbouring elements, loaded and stored at once.
template <class T, int pack>
struct alignas(pack * sizeof(T)) Pack {
    T lane[pack];
};

template <class T, int pack>
__device__ __forceinline__ Pack<T, pack> load(const T* from) {
    return *reinterpret_cast<const Pack<T, pack>*>(from);
}

template <class T, int pack>
__device__ __forceinline__ void store(T* to, const Pack<T, pack>& values) {
    *reinterpret_cast<Pack<T, pack>*>(to) = values;
}

// The way of a thread over the elements e, e + step, e + 2·step ... of a group. A step passes step / R whole segments,
// each as long as the array's R·O, and step % R elements: that is `leap`, and `turn` is step % R.
class Walk {
  public:
    __device__ __forceinline__ Walk(const Groups& g, i64 group, i64 element)
        : inner_(g.inner), gap_((g.groups - 1) * g.inner), leap_(g.leap), turn_(g.turn), r_(element) {
        const i64 p = element < g.inner ? 0 : element / g.inner;  // rows need no division, which takes long
        r_ -= p * g.inner;
        at_ = (p * g.groups + group) * g.inner + r_;
    }

    __device__ __forceinline__ i64 at() const { return at_; }

    __device__ __forceinline__ void next() {
        at_ += leap_;
        r_ += turn_;
        if (r_ >= inner_) {
            r_ -= inner_;
            at_ += gap_;
        }
    }

  private:
    const i64 inner_, gap_, leap_, turn_;
    i64 r_, at_;
};

// The sum of a pack's elements.
template <class T, int pack>
__device__ __forceinline__ T sum_of(const Pack<T, pack>& values) {
    if constexpr (pack == 4) return (values.lane[0] + values.lane[1]) + (values.lane[2] + values.lane[3]);
    if constexpr (pack == 2) return values.lane[0] + values.lane[1];
    return values.lane[0];
}

// A thread's share of the work on groups: the elements begin, begin + step ... before `end` of one group. There are
// (O / groups a block) · parts blocks.
struct Share {
    const int lane;  // among the threads of the block that share the group
    const u32 part;
    const i64 group, begin, end;

    __device__ __forceinline__ Share(const Groups& g, int pack)
        : lane(threadIdx.x & (g.width - 1)),
          part(blockIdx.x % g.parts),
          group(blockIdx.x / g.parts * i64(group_threads / g.width) + threadIdx.x / g.width),
          begin(part * g.chunk + lane * pack),
          end(group < g.groups ? min((part + 1) * g.chunk, g.outer * g.inner) : 0) {}

    // How many packs that is.
    __device__ __forceinline__ i64 packs(const Groups& g) const {
        return begin < end ? (end - begin + g.step - 1) / g.step : 0;
    }

    // Where what the group's threads of this block made together stands in an array (O, parts).
    __device__ __forceinline__ i64 result(const Groups& g) const { return group * g.parts + part; }

    // Whether this thread writes that.
    __device__ __forceinline__ bool writes(const Groups& g) const { return lane == 0 && group < g.groups; }
};

// The sum over `width` neighbouring threads, a power of two, up to the block's group_threads; each of them gets it. All
// threads of the block take part.
template <class T>
__device__ __forceinline__ T sum_over(T value, int width) {
    __shared__ T of_warp[group_threads / 32];
    for (int apart = min(width, 32) / 2; apart > 0; apart /= 2) value += __shfl_xor_sync(whole_warp, value, apart);
    if (width <= 32) return value;
    __syncthreads();  // the values of the last sum have been read
    if (threadIdx.x % 32 == 0) of_warp[threadIdx.x / 32] = value;
    __syncthreads();
    const int warps = width / 32, first = threadIdx.x / width * warps;
    value = of_warp[first];
    for (int w = 1; w < warps; ++w) value += of_warp[first + w];
    return value;
}
