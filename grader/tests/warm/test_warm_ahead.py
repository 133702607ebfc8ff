"""What a warm process runs ahead, and what its kernels then have."""

LOADS = "load_images('bundled', num_train=12, num_test=12, nuisances=scenes.Nuisances(clutter=1))"
IMPORTS = "from coursedata import load_images, scenes, sources"


def test_a_kernel_has_what_was_loaded_ahead(run_ahead):
    again = f"{IMPORTS}\n{LOADS}\nprint(sources._object_scenes.cache_info().misses)"
    assert run_ahead(f"{IMPORTS}\n{LOADS}", again) == (None, "1\n")


def test_what_fails_ahead_is_left_to_the_cell_that_it_comes_from(run_ahead):
    assert run_ahead("1 / 0", "print('ready')") == (None, "ready\n")


def test_threads_that_loading_leaves_make_kernels_cold(run_ahead):
    message, said = run_ahead(
        "import threading\nthreading.Thread(target=threading.Event().wait).start()", "print('ready')"
    )
    assert "or loading the data started 1 threads" in message and said == "ready\n"
