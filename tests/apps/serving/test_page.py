"""The page in a headless Chromium: a picture dropped, compared, and taken home."""

import base64
import shutil

import pytest
from PIL import Image
from served import as_file, pixels, served

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
ui = pytest.importorskip("selenium.webdriver.support.ui", reason="selenium is not installed")

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="there is no Chromium with its driver on this machine"
)
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-sync", "--window-size=1000,900"),
)
DROP = """
const [base64, name] = arguments;
const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const dropped = new DataTransfer();
dropped.items.add(new File([bytes], name));
document.dispatchEvent(new DragEvent("drop", { dataTransfer: dropped, bubbles: true }));
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with served(tmp_path_factory.mktemp("served"), max_megabytes=0.2) as found:
        yield found


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    downloads = tmp_path_factory.mktemp("downloads")
    for option in (*OPTIONS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    driver.downloads = downloads
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, page):
    browser.get(page.address)
    wait(browser, lambda: ui.Select(find(browser, "model")).options)
    return browser


def find(browser, name):
    return browser.find_element("id", name)


def wait(browser, holds):
    return ui.WebDriverWait(browser, 30).until(lambda _: holds())


def choose_file(browser, folder, content, name):
    (folder / name).write_bytes(content)
    find(browser, "file").send_keys(str(folder / name))


def wait_for_result(browser, name):
    wait(browser, lambda: find(browser, "status").text.startswith(f"{name} took "))
    assert find(browser, "result").is_displayed()


def shown_size(browser, name):
    image = find(browser, name)
    return tuple(image.get_property(side) for side in ("naturalWidth", "naturalHeight"))


def test_a_picture_is_chosen_compared_and_downloaded(opened, tmp_path):
    name = "<b>photo.png"  # as text, not as a part of the page
    choose_file(opened, tmp_path, as_file(pixels(200, 300)), name)
    wait_for_result(opened, name)
    assert shown_size(opened, "before") == shown_size(opened, "after") == (300, 200)
    line, compare = find(opened, "line"), find(opened, "compare")
    assert line.rect["x"] == pytest.approx(compare.rect["x"] + 150, abs=2)
    find(opened, "split").send_keys(webdriver.Keys.HOME)
    assert line.rect["x"] == pytest.approx(compare.rect["x"], abs=2)
    assert "100%" in find(opened, "before").value_of_css_property("clip-path")
    find(opened, "download").click()
    wait(opened, lambda: len(list(opened.downloads.glob("*photo-restored.png"))) == 1)
    (saved,) = opened.downloads.glob("*photo-restored.png")
    with Image.open(saved) as image:
        assert (255 - pixels(200, 300) == image).all()


def test_another_model_restores_the_same_picture_again(opened, tmp_path):
    choose_file(opened, tmp_path, as_file(pixels(20, 30)), "a.png")
    wait_for_result(opened, "a.png")
    first = find(opened, "after").get_property("src")
    ui.Select(find(opened, "model")).select_by_visible_text("double")
    wait(opened, lambda: find(opened, "after").get_property("src") != first)
    wait_for_result(opened, "a.png")
    assert shown_size(opened, "after") == (60, 40)
    assert find(opened, "facts").text == "30 \u00d7 20 px → 60 \u00d7 40 px"
    ui.Select(find(opened, "model")).select_by_visible_text("told")
    assert find(opened, "error").text == "This model is told the noise level: give t."
    find(opened, "level").send_keys("0.5", webdriver.Keys.TAB)
    wait_for_result(opened, "a.png")
    assert find(opened, "facts").text == "30 \u00d7 20 px"


def test_a_picture_is_dropped(opened):
    content = base64.b64encode(as_file(pixels(20, 30))).decode()
    opened.execute_script(DROP, content, "dropped.png")
    wait_for_result(opened, "dropped.png")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"no picture", "cannot be read as a picture"),
        (bytes(200_001), "more than 0.2 MB"),
        (b"", "This file is empty"),
    ],
)
def test_what_is_wrong_with_a_file_is_on_the_page(opened, tmp_path, content, words):
    choose_file(opened, tmp_path, content, "bad.png")
    wait(opened, lambda: find(opened, "error").is_displayed())
    assert words in find(opened, "error").text
    assert not find(opened, "result").is_displayed()
    choose_file(opened, tmp_path, as_file(pixels(20, 30)), "good.png")
    wait_for_result(opened, "good.png")
    assert not find(opened, "error").is_displayed()


def test_the_page_asks_nobody_else_and_breaks_no_rule(opened, page, tmp_path):
    opened.get_log("browser")
    choose_file(opened, tmp_path, as_file(pixels(20, 30)), "a.png")
    wait_for_result(opened, "a.png")
    asked = opened.execute_script("return performance.getEntries().map((entry) => entry.name)")
    assert any("/restore?model=invert" in name for name in asked)
    assert all(name.startswith(page.address) for name in asked if "://" in name)
    assert opened.get_log("browser") == []
