// Package browser looks at the HTML that tagbump writes in a real browser: Debian's
// chromium. It is a module of its own, so that the product does not depend on it.
//
// With SCREENSHOTS=DIR the tests also write pictures of the page into DIR.
package browser

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/tagbump/tagbump/pkg/statuspage"
)

// A watch notes what a page says and asks for.
type watch struct {
	mu       sync.Mutex
	said     []string
	requests []string
}

func (w *watch) note(list *[]string, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*list = append(*list, text)
}

// open shows the sample page in a window of the given width.
func open(t *testing.T, width, height int64, scheme string) (context.Context, *watch) {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed (apt-get install chromium)")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(statuspage.Write(sample())))
	}))
	t.Cleanup(server.Close)
	options := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.Flag("disable-background-networking", true))
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	seen := new(watch)
	chromedp.ListenTarget(ctx, func(event any) {
		switch event := event.(type) {
		case *runtime.EventConsoleAPICalled:
			seen.note(&seen.said, "console."+event.Type.String())
		case *runtime.EventExceptionThrown:
			seen.note(&seen.said, event.ExceptionDetails.Error())
		case *log.EventEntryAdded:
			seen.note(&seen.said, event.Entry.Text)
		case *network.EventRequestWillBeSent:
			if !strings.HasPrefix(event.Request.URL, "data:") {
				seen.note(&seen.requests, event.Request.URL)
			}
		}
	})
	run(
		t, ctx,
		network.Enable(), log.Enable(),
		emulation.SetDeviceMetricsOverride(width, height, 1, width < 600),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		chromedp.Navigate(server.URL), chromedp.WaitReady("#images"),
	)
	return ctx, seen
}

func run(t *testing.T, ctx context.Context, actions ...chromedp.Action) {
	t.Helper()
	if err := chromedp.Run(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// eval returns what a script evaluates to.
func eval[T any](t *testing.T, ctx context.Context, script string) T {
	t.Helper()
	var result T
	run(t, ctx, chromedp.Evaluate(script, &result))
	return result
}

func picture(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	dir := os.Getenv("SCREENSHOTS")
	if dir == "" {
		return
	}
	var png []byte
	run(t, ctx, chromedp.FullScreenshot(&png, 100))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestThePageIsReadable holds at the width of a phone and of a desk, light and dark,
// that nothing leaves the window, no text is tiny, and the page asks for nothing.
func TestThePageIsReadable(t *testing.T) {
	for _, width := range []int64{360, 1400} {
		for _, scheme := range []string{"light", "dark"} {
			name := "status-" + strconv.FormatInt(width, 10) + "-" + scheme
			t.Run(name, func(t *testing.T) {
				ctx, seen := open(t, width, 900, scheme)
				picture(t, ctx, name)
				if wide := eval[int64](t, ctx, `document.documentElement.scrollWidth`); wide > width {
					t.Errorf("the page is %d pixels wide", wide)
				}
				small := eval[[]string](t, ctx, `[...document.querySelectorAll("body *:not(script, svg *)")].filter(e => e.checkVisibility() && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && parseFloat(getComputedStyle(e).fontSize) < 12).map(e => e.textContent)`)
				if len(small) > 0 {
					t.Errorf("tiny texts: %q", small)
				}
				outside := eval[[]string](t, ctx, `[...document.querySelectorAll("code, .note, .name, .folder, h1, time")].filter(e => { const r = e.getBoundingClientRect(); return r.right > innerWidth + 1 || r.left < 0; }).map(e => e.textContent)`)
				if len(outside) > 0 {
					t.Errorf("outside of the window: %q", outside)
				}
				if len(seen.said) > 0 {
					t.Errorf("the browser says %q", seen.said)
				}
				if len(seen.requests) != 1 {
					t.Errorf("requests: %q", seen.requests)
				}
				if scripts := eval[int](t, ctx, `document.querySelectorAll("tbody script, tbody img, tbody b").length`); scripts != 0 {
					t.Errorf("%d elements came out of a name", scripts)
				}
			})
		}
	}
}

// TestTheTableSorts clicks the headings.
func TestTheTableSorts(t *testing.T) {
	ctx, seen := open(t, 1400, 900, "light")
	names := func() []string {
		return eval[[]string](t, ctx, `[...document.querySelectorAll("tbody tr:not([hidden]) .name")].map(e => e.textContent)`)
	}
	click := func(column int) []string {
		run(t, ctx, chromedp.Click("thead th:nth-child("+strconv.Itoa(column)+") button"))
		return names()
	}
	if got := click(4); got[0] != "payments" || got[1] != "send2ereader" || got[2] != "checkout" {
		t.Errorf("by production, the worst first: %q", got)
	}
	if got := click(4); got[len(got)-1] != "payments" {
		t.Errorf("by production, the worst last: %q", got)
	}
	if sorted := eval[string](t, ctx, `document.querySelector("thead th:nth-child(4)").getAttribute("aria-sort")`); sorted != "ascending" {
		t.Errorf("aria-sort is %s", sorted)
	}
	if got := click(1); got[len(got)-1] != "notification-dispatcher" {
		t.Errorf("by name: %q", got)
	}
	run(t, ctx, chromedp.SendKeys("#filter", "ledg"))
	if got := names(); !slices.Equal(got, []string{"ledger"}) {
		t.Errorf("filtered: %q", got)
	}
	run(t, ctx, chromedp.SendKeys("#filter", "zzz"))
	if !eval[bool](t, ctx, `document.getElementById("none").checkVisibility()`) {
		t.Error("nothing says that no image matches")
	}
	if len(seen.said) > 0 {
		t.Errorf("the browser says %q", seen.said)
	}
}
