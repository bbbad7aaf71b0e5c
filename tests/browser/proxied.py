"""The page behind nginx, under a path, and through a forward proxy."""

import node
import proxies
from driven import Browser
from formats import CAMERA, live, shows_the_camera
from pages import PATIENCE, silent
from scenario import test

ASKED = "performance.getEntriesByType('resource').map((one) => one.name)"


def stays_below(browser, root):
    """Whatever the page asked for, it asked for below the path that it stands under."""
    astray = [one for one in browser.run(ASKED) if not one.startswith((root, "blob:", "data:"))]
    assert not astray, astray


@test(options=CAMERA)
def row_x_5_list_grid_and_player_behind_nginx_under_a_path(scene):
    node.open_folder(scene.folder)
    with proxies.Proxy(scene) as proxy, Browser(scene.folder) as browser:
        scene.server.wait_live("live/cam")
        root = proxy.http("/")
        browser.open(root)
        browser.until(lambda look: "live/cam" in look["text"] and "Live" in look["text"], PATIENCE,
                      "the list shows the stream")
        browser.until(lambda _: browser.run("document.querySelector('.card [data-shown] canvas') !== null"),
                      PATIENCE, "and its picture")
        page = browser.run("document.querySelector('a.card').href")
        assert page == f"{root}live/cam", page
        browser.run("location.hash = 'grid'")
        browser.until(lambda _: browser.run("document.querySelector('.tile[data-state=live]') !== null"),
                      PATIENCE, "the grid plays")
        stays_below(browser, root)
        browser.open(page)
        live(browser, "mse")
        shows_the_camera(browser)
        for way in ("hls", "mjpeg"):
            browser.run(f"document.getElementById('{way}').click()")
            browser.until(lambda look, way=way: look["state"] == "live" and
                          browser.run("document.querySelector('millrace-player').way") == way, PATIENCE,
                          f"{way} plays")
        stays_below(browser, root)
        silent(browser)


@test(options=CAMERA)
def row_0_3_the_page_plays_through_a_forward_proxy(scene):
    """Each way, in a browser that is told to reach everything through tinyproxy; WebSockets by CONNECT."""
    with proxies.ForwardProxy(scene.folder) as proxy, \
            Browser(scene.folder, "chrome", proxy.address) as browser:
        scene.server.wait_live("live/cam")
        browser.open(scene.server.http("/live/cam"))
        live(browser, "mse")
        shows_the_camera(browser)
        for way in ("flv", "hls", "mjpeg"):
            browser.run(f"document.getElementById('{way}').click()")
            browser.until(lambda look, way=way: look["state"] == "live" and
                          browser.run("document.querySelector('millrace-player').way") == way, PATIENCE,
                          f"{way} plays")
            shows_the_camera(browser)
        silent(browser)
        said = proxy.said()
        assert "CONNECT" in said and "GET http://" in said, said
