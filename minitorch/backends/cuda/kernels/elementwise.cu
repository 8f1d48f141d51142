// Functions of one element at a time.

//! instances: relu<float> relu<double>

// output[i] = max(input[i], 0); NaN stays NaN.
template <class T>
__global__ void relu(const T* __restrict__ input, T* __restrict__ output, i64 n) {
    for (i64 i = blockIdx.x * i64(blockDim.x) + threadIdx.x; i < n; i += i64(gridDim.x) * blockDim.x) {
        const T x = input[i];
        output[i] = x <= T(0) ? T(0) : x;
    }
}
