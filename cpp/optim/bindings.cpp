#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include <cstddef>
#include <optional>
#include <vector>

#include "bindings.h"
#include "dispatch.h"

namespace mt {
namespace {

template <class T>
using Gradients = std::vector<Input<T>>;
template <class T>
using Arrays = std::vector<Output<T>>;
template <class T>
using OptionalArrays = std::optional<std::vector<Output<T>>>;

// The lists of a step, checked, as the kernels take them. The state comes in the order of optim.h; lists that are None
// are left out.
template <class T>
class Step {
  public:
    Step(const Arrays<T>& params, const Gradients<T>& grads) {
        for (const Output<T>& array : params) {
            sizes_.push_back(static_cast<std::ptrdiff_t>(array.size()));
            params_.push_back(array.data());
        }
        check(grads);
        for (const Input<T>& array : grads) grads_.push_back(array.data());
    }
    Step& with(const Arrays<T>& state) {
        check(state);
        std::vector<T*>& list = state_[used_++];
        for (const Output<T>& array : state) list.push_back(array.data());
        return *this;
    }
    Step& with(const OptionalArrays<T>& state) { return state ? with(*state) : *this; }

    StepArrays<T> arrays() const {
        return {static_cast<std::ptrdiff_t>(sizes_.size()),
                sizes_.data(),
                grads_.data(),
                params_.data(),
                {state_[0].data(), state_[1].data(), state_[2].data()}};
    }

  private:
    template <class List>
    void check(const List& list) const {
        require(list.size() == sizes_.size(), "optimiser step: the lists differ in length");
        for (std::size_t k = 0; k < list.size(); ++k) {
            require(static_cast<std::ptrdiff_t>(list[k].size()) == sizes_[k],
                    "optimiser step: an array differs from its parameter in size");
        }
    }

    std::vector<std::ptrdiff_t> sizes_;
    std::vector<T*> params_;
    std::vector<const T*> grads_;
    std::vector<T*> state_[3];
    int used_ = 0;
};

template <class T>
void define_optim(nb::module_& m) {
    m.def(
        "sgd_step",
        [](const Arrays<T>& params, const Gradients<T>& grads, const OptionalArrays<T>& momentum_buffers, double lr,
           double momentum, double dampening, double weight_decay, bool nesterov, bool maximize, bool first_step) {
            const Step<T> step = Step<T>(params, grads).with(momentum_buffers);
            const SgdOptions options{lr,       momentum, dampening,  weight_decay,
                                     nesterov, maximize, first_step, momentum_buffers.has_value()};
            const nb::gil_scoped_release released;
            half<T>(kernels().optim).sgd_step(step.arrays(), options);
        },
        "params"_a.noconvert(), "grads"_a.noconvert(), "momentum_buffers"_a.noconvert().none(), "lr"_a, "momentum"_a,
        "dampening"_a, "weight_decay"_a, "nesterov"_a, "maximize"_a, "first_step"_a);
    m.def(
        "adam_step",
        [](const Arrays<T>& params, const Gradients<T>& grads, const Arrays<T>& exp_avgs, const Arrays<T>& exp_avg_sqs,
           const OptionalArrays<T>& max_exp_avg_sqs, double step_number, double lr, double beta1, double beta2,
           double eps, double weight_decay, bool decoupled, bool maximize) {
            const Step<T> step = Step<T>(params, grads).with(exp_avgs).with(exp_avg_sqs).with(max_exp_avg_sqs);
            const AdamOptions options{
                step_number, lr, beta1, beta2, eps, weight_decay, decoupled, maximize, max_exp_avg_sqs.has_value()};
            const nb::gil_scoped_release released;
            half<T>(kernels().optim).adam_step(step.arrays(), options);
        },
        "params"_a.noconvert(), "grads"_a.noconvert(), "exp_avgs"_a.noconvert(), "exp_avg_sqs"_a.noconvert(),
        "max_exp_avg_sqs"_a.noconvert().none(), "step"_a, "lr"_a, "beta1"_a, "beta2"_a, "eps"_a, "weight_decay"_a,
        "decoupled"_a, "maximize"_a);
    m.def(
        "rmsprop_step",
        [](const Arrays<T>& params, const Gradients<T>& grads, const Arrays<T>& square_avgs,
           const OptionalArrays<T>& grad_avgs, const OptionalArrays<T>& momentum_buffers, double lr, double alpha,
           double eps, double weight_decay, double momentum, bool maximize) {
            const Step<T> step = Step<T>(params, grads).with(square_avgs).with(grad_avgs).with(momentum_buffers);
            const RmspropOptions options{
                lr, alpha, eps, weight_decay, momentum, maximize, grad_avgs.has_value(), momentum_buffers.has_value()};
            const nb::gil_scoped_release released;
            half<T>(kernels().optim).rmsprop_step(step.arrays(), options);
        },
        "params"_a.noconvert(), "grads"_a.noconvert(), "square_avgs"_a.noconvert(), "grad_avgs"_a.noconvert().none(),
        "momentum_buffers"_a.noconvert().none(), "lr"_a, "alpha"_a, "eps"_a, "weight_decay"_a, "momentum"_a,
        "maximize"_a);
}

}  // namespace

void bind_optim(nb::module_& m) {
    define_optim<float>(m);
    define_optim<double>(m);
}

}  // namespace mt
