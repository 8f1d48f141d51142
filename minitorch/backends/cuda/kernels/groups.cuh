// Groups of elements that are reduced together: x[p, o, r] of an array (P, O, R), for one o, over all p and r.
//
// Sums, means and variances of whichever dimensions come to this form. The rows of a matrix are the groups of P = 1; the
// channels of (N, C, H, W) are those of P = N, O = C, R = H·W. Element e = p·R + r of a group is `gap` = (O - 1)·R
// further away than in an array of this group alone for every p before it.
//
// The threads that share a group step over its elements together, each `pack` neighbours at a time, which are 16 bytes
// where R allows it. What a thread has to itself it adds first; then threads meet in pairs, then pairs of pairs.

constexpr int group_threads = 256;  // in a block of these kernels; four blocks on a multiprocessor keep its memory busy

struct Groups {
    i64 outer, groups, inner;  // P, O, R
    i64 chunk;                 // a block's share of a group's elements; a multiple of what its threads take at once
    i64 step, leap, turn;      // from one element of a thread to its next; see Walk
    int width;                 // how many threads share a group: a power of two, up to a block
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
