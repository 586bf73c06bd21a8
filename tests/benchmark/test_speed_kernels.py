"""A GPU's kernels are told apart by their names, and their times added up by what they do."""

import pytest
import torch

from benchmark.speed_kernels import Kernel, kernels_by_kind, kind_of, tallied
from benchmark.speed_report import KernelKind

NAMES = {
    "triton_poi_fused_gelu_gelu_backward_mul_view_2": "fused passes",
    "triton_poi_fused_add_clone_convolution_native_group_norm_silu_4": "fused passes",
    "triton_red_fused_gelu_gelu_backward_mul_sum_view_3": "fused sums",
    "triton_per_fused__to_copy_add_native_layer_norm_view_8": "fused sums",
    "kernel_cutlass_kernel_flash_attncuteflash_bwd_sm90FlashAttentionBackwardSm90_object_at_": "attention",
    "cudnn_generated_fort_native_sdpa_sm90_flash_fprop_wgmma_f16_knob_7_64x128x64": "attention",
    "void pytorch_flash::flash_fwd_kernel<Flash_fwd_kernel_traits<64, 128, 128, 4>>": "attention",
    "fmha_cutlassF_bf16_aligned_64x64_rf_sm80": "attention",
    "sm90_xmma_fprop_implicit_gemm_bf16bf16_bf16f32_f32_nhwckrsc_nhwc_tilesize128x128x64": "convolutions",
    "sm90_xmma_wgrad_indexed_implicit_gemm_bf16bf16_bf16f32_f32_nhwckrsc_nhwc": "convolutions",
    "void cask_plugin__5x_cudnn::xmma__5x_cudnn::init_device_workspace_kernel": "convolutions",
    "nvjet_sm90_tst_256x128_64x4_1x2_h_bz_coopA_bias_TNT": "matrix products",
    "void cutlass::Kernel2<cutlass_80_tensorop_bf16_s16816gemm_bf16_128x128_32x4_tn_align2>": "matrix products",
    "void cublasLt::splitKreduce_kernel<32, 16, int, float, __nv_bfloat16>": "matrix products",
    "void at::native::elementwise_kernel<128, 4, at::native::gpu_kernel_impl_nocast<direct_copy_kernel>>": "others",
    "Memset (Device)": "others",
}


@pytest.mark.parametrize(("kernel", "kind"), NAMES.items())
def test_a_name_tells_what_a_kernel_does(kernel: str, kind: str):
    assert kind_of(kernel) == kind


def test_times_and_launches_are_those_of_a_run_the_longest_kind_first():
    kernels = [
        Kernel("nvjet_sm90_a", 30.0, 4),
        Kernel("triton_poi_fused_a", 100.0, 2),
        Kernel("nvjet_sm90_b", 60.0, 6),
        Kernel("cudaGraphLaunch", 0.0, 2),  # the host's
    ]
    assert tallied(kernels, runs=2) == (
        KernelKind(name="fused passes", seconds=50e-6, launches=1),
        KernelKind(name="matrix products", seconds=45e-6, launches=5),
    )
    assert tallied([], runs=2) == ()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_matrix_product_is_one():
    square = torch.randn(2048, 2048, device="cuda")
    (kind,) = kernels_by_kind(lambda: square @ square, runs=3)
    assert (kind.name, kind.seconds > 0) == ("matrix products", True)
