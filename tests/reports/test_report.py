from reports.html import write_report


def test_a(make_run, tmp_path):
    import time

    a, b = make_run(), make_run("voxel-4x", blur=0.3, flops=8e14)
    t = time.time()
    write_report([a], "/tmp/rep/one.html")
    write_report([a, b], "/tmp/rep/two.html")
    print(time.time() - t)
