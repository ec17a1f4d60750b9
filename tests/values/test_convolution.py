"""Long sounds through responses: as scipy does it, whatever the blocks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import fftconvolve

from melancholia.convolution import Convolver, chunk_of, transform_size


@settings(max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    taps=st.integers(1, 9000),
    inputs=st.integers(1, 3),
    outputs=st.integers(1, 2),
    cuts=st.lists(st.integers(1, 20_000), min_size=1, max_size=4),
)
def test_a_stream_in_blocks_is_what_one_convolution_gives(seed, taps, inputs, outputs, cuts):
    rng = np.random.default_rng(seed)
    sound = rng.standard_normal((inputs, sum(cuts))).astype(np.float32)
    responses = rng.standard_normal((inputs, outputs, taps)).astype(np.float32)
    wanted = sum(fftconvolve(sound[k][None], responses[k], axes=1) for k in range(inputs))[:, : sum(cuts)]
    convolver = Convolver(responses)
    found = np.concatenate(
        [convolver.process(block) for block in np.split(sound, np.cumsum(cuts)[:-1], axis=1)], axis=1
    )
    assert found.dtype == np.float32
    assert np.abs(found - wanted).max() < 1e-5 * max(1.0, np.abs(wanted).max())


def test_silence_goes_in_and_what_rings_comes_out():
    convolver = Convolver(np.full((1, 1, 100), 0.5, np.float32))
    convolver.process(np.ones((1, 50), np.float32))
    tail = convolver.process(np.zeros((1, 100), np.float32))[0]
    assert tail[0] == pytest.approx(25, rel=1e-5) and tail[98] == pytest.approx(0.5, rel=1e-3) and abs(tail[99]) < 1e-4
    assert not convolver.process(np.zeros((1, 100), np.float32)).any()


@pytest.mark.parametrize("taps", [1, 300, 20_000, 96_000, 193_508, 306_101, 576_000, 1_000_000])
def test_a_chunk_fills_its_transforms(taps):
    size, chunk = transform_size(taps), chunk_of(taps, 256)
    assert chunk % 256 == 0 and size >= taps
    hop = size - taps + 1
    assert chunk / hop == pytest.approx(round(chunk / hop), abs=300 / hop)
