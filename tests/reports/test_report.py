from reports.html import write_report


def test_a(runs, tmp_path):
    import time, shutil

    t = time.time()
    write_report(runs[:1], "/tmp/rep/one.html")
    write_report(runs, "/tmp/rep/two.html")
    print(time.time() - t)
    shutil.copytree(runs[0].parent, "/tmp/rep/runs", dirs_exist_ok=True)
