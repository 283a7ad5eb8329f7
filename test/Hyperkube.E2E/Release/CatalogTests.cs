using Hyperkube.E2E.Peers;

namespace Hyperkube.E2E.Release;

/// <summary>The catalog in a real browser: with and without scripts, on a desk and in a hand.</summary>
public sealed class CatalogTests
{
    private const string Shown = "[...document.querySelectorAll('.release:not([hidden])')].filter(e => e.offsetParent).map(e => e.id).join(' ')";

    [Fact]
    public async Task It_is_searched_filtered_opened_and_copied_from()
    {
        await using var scene = await ReleaseScene.StartAsync("v1.34.1", "v1.34.0", "v1.33.2");
        await scene.RunAsync(0, "--catalog", scene["catalog"]);
        var digest = await scene.DigestAsync("v1.34.0");
        await using var browser = await Browser.OpenAsync(scene["catalog/index.html"]);

        Assert.Equal("v1.34.1 v1.34.0 v1.33.2", await browser.EvaluateAsync(Shown));
        Assert.Equal("3", await browser.EvaluateAsync("document.querySelectorAll('.badge.good').length"));
        Assert.Equal("6", await browser.EvaluateAsync("document.querySelectorAll('svg circle').length"));

        await browser.ClickAsync(".chips [data-minor='1.34']");
        Assert.Equal("v1.34.1 v1.34.0", await browser.EvaluateAsync(Shown));
        await browser.ClickAsync("#search");
        await browser.TypeAsync(digest[7..19]);
        Assert.Equal("v1.34.0", await browser.EvaluateAsync(Shown));
        Assert.Equal("1 of 3", await browser.EvaluateAsync("document.getElementById('count').textContent"));
        await browser.TypeAsync(" nothing");
        Assert.Equal("", await browser.EvaluateAsync(Shown));
        await browser.UntilAsync("!document.getElementById('none').hidden");
        await browser.EvaluateAsync("document.getElementById('search').value = ''; document.getElementById('search').dispatchEvent(new Event('input'))");
        await browser.ClickAsync(".chips [data-minor='']");
        Assert.Equal("v1.34.1 v1.34.0 v1.33.2", await browser.EvaluateAsync(Shown));

        await browser.ClickAsync("[id='v1.34.0'] summary .version");
        await browser.UntilAsync("document.getElementById('v1.34.0').open");
        await browser.ClickAsync("[id='v1.34.0'] [data-copy]");
        await browser.UntilAsync("['copied', 'selected'].includes(document.querySelector(\"[id='v1.34.0'] [data-copy]\").textContent)");
        Assert.Equal($"{scene.Repository}:v1.34.0@{digest}", await browser.EvaluateAsync("document.querySelector(\"[id='v1.34.0'] [data-copy]\").dataset.copy"));
        Assert.Empty(browser.Complaints);
    }

    [Fact]
    public async Task Nothing_sticks_out_on_a_phone_and_without_scripts_it_is_all_there()
    {
        await using var scene = await ReleaseScene.StartAsync("v1.34.1", "v1.33.2");
        await scene.RunAsync(0, "--catalog", scene["catalog"]);
        await using (var browser = await Browser.OpenAsync(scene["catalog/index.html"]))
        {
            foreach (var width in (int[])[320, 390, 768, 1280])
            {
                await browser.ResizeAsync(width, 800);
                await browser.EvaluateAsync("document.querySelectorAll('details').forEach(d => d.open = true)");
                Assert.Equal("True", await browser.EvaluateAsync("document.documentElement.scrollWidth <= innerWidth"));
            }
        }

        await using var plain = await Browser.OpenAsync(scene["catalog/index.html"], withScripts: false);
        Assert.Equal("v1.34.1 v1.33.2", await plain.EvaluateAsync(Shown));
        Assert.Contains(await scene.DigestAsync("v1.33.2"), await plain.EvaluateAsync("document.body.textContent"), StringComparison.Ordinal);
        await plain.ClickAsync("[id='v1.33.2'] summary .version");
        await plain.UntilAsync("document.getElementById('v1.33.2').open");
        Assert.Equal("True", await plain.EvaluateAsync("document.getElementById('controls').hidden")); // What would do nothing is not shown.
    }
}
