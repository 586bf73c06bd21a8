"""The teacher: a frozen InstructPix2Pix that edits single images and, in distillation, judges noisy ones.

Both guidance scales follow InstructPix2Pix (arXiv 2211.09800, eq. 3). Images enter and leave in [0, 1] at any size and
are resized to the teacher's own inside.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from mix2mix.branches import in_branches
from mix2mix.edit import Edit
from mix2mix.pretrained import Editor, Vae


class Teacher:
    """An image editor on its device, with nothing left to train."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor
        for network in (editor.unet, editor.text_encoder, editor.vae.module):
            network.eval().requires_grad_(False)
        device = next(editor.unet.parameters()).device
        self._signal = editor.alphas_cumprod.to(device).sqrt()
        self._noise = (1 - editor.alphas_cumprod.to(device)).sqrt()

    @property
    def unet(self) -> nn.Module:
        """The noise predictor, whose attention `cross_view_attention` replaces."""
        return self.editor.unet

    @property
    def device(self) -> torch.device:
        """Where it is."""
        return self._signal.device

    @property
    def vae(self) -> Vae:
        """The autoencoder of its latents."""
        return self.editor.vae

    @property
    def image_size(self) -> int:
        """Pixels of the square images that it was trained on."""
        return self.editor.image_size

    @property
    def latent_size(self) -> int:
        """Side of its latents: `image_size` by the VAE's factor."""
        return self.editor.latent_size

    @torch.no_grad()
    def embed(self, instruction: str) -> Tensor:
        """Features of the instruction and of the empty text [2, L, C]; the same throughout an edit."""
        return self.editor.text_states(self.editor.tokens([instruction, ""]).to(self.device))

    @torch.no_grad()
    def condition(self, images: Tensor) -> Tensor:
        """Image latents [N, 4, h, w] of the originals [N, 3, H, W] in [0, 1]: the posterior's mode, unscaled."""
        return self.vae.encode_mode(resize(images, self.image_size, self.image_size) * 2 - 1)

    def add_noise(self, z0: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        """Noise clean latents [N, 4, h, w] to timestep t [] int64: alpha_t z0 + sigma_t eps, without a host sync."""
        index = t.reshape(1)
        signal, noise = (table.index_select(0, index)[:, None, None, None] for table in (self._signal, self._noise))
        return signal * z0 + noise * eps

    @torch.no_grad()
    def predict_noise(
        self,
        z_t: Tensor,
        t: Tensor,
        image_latents: Tensor,
        text_embeds: Tensor,
        text_guidance: float,
        image_guidance: float,
    ) -> Tensor:
        """Guided noise: eps_u + S_T (eps_text - eps_image) + S_I (eps_image - eps_u).

        The three branches run as one batch in the order (text, image, null) x N; the null branch sees no text and an
        image of zeros. Works under `cross_view_attention` and inside a CUDA graph.

        Args:
            z_t: noisy latents [N, 4, h, w].
            t: timestep [] int64 on the device.
            image_latents: of the originals, from `condition` [N, 4, h, w].
            text_embeds: from `embed` [2, L, C].
            text_guidance: S_T.
            image_guidance: S_I.

        Returns:
            Noise [N, 4, h, w].

        """
        views = len(z_t)
        images = torch.cat([image_latents, image_latents, torch.zeros_like(image_latents)])
        latents = torch.cat([z_t.repeat(3, 1, 1, 1), images], dim=1)
        eps_text, eps_image, eps_null = self.editor.noise(latents, t, in_branches(text_embeds, views)).chunk(3)
        return eps_null + text_guidance * (eps_text - eps_image) + image_guidance * (eps_image - eps_null)

    @torch.no_grad()
    def edit(
        self,
        images: Tensor,
        edit: Edit,
        steps: int,
        generators: Sequence[torch.Generator],
        on_step: Callable[[int], None],
    ) -> Tensor:
        """Edit images together by the stock pipeline (Euler ancestral), at the edit's guidance as given.

        Args:
            images: [N, 3, H, W] in [0, 1].
            edit: its instruction and guidance.
            steps: sampling steps; 3 N network samples each.
            generators: one per image, so that an image's noise does not depend on its company.
            on_step: called with the number of steps done.

        Returns:
            [N, 3, H, W] in [0, 1], at the size of `images`.

        Raises:
            InputError: guidance too weak for the pipeline.

        """
        edited = self.editor.run(
            resize(images.to(self.device), self.image_size, self.image_size),
            edit.instruction,
            text_guidance=edit.text_guidance,
            image_guidance=edit.image_guidance,
            steps=steps,
            generators=generators,
            on_step=on_step,
        )
        return resize(edited, images.shape[-2], images.shape[-1])

    @torch.no_grad()
    def decode(self, latents: Tensor) -> Tensor:
        """Images [N, 3, H, W] in [0, 1] of scaled latents [N, 4, h, w] of any size."""
        return (self.vae.decode(latents) / 2 + 0.5).clamp(0, 1)


def resize(images: Tensor, height: int, width: int) -> Tensor:
    """Images [N, 3, H, W] in [0, 1] at height x width pixels (bilinear, antialiased)."""
    if images.shape[-2:] == (height, width):
        return images
    return interpolate(images, (height, width), mode="bilinear", antialias=True).clamp(0, 1)
