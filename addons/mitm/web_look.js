// Marks what a stylesheet cannot tell by itself (web_look.css has the looks): of each flow how it ended, by the mark that
// its comment begins with; its time of day; the view that a pane shows. Adds one link, to the headers below the view.
"use strict";
(() => {
    const KINDS = {"⚠": "bad", "↪": "earlier", "⚙": "step", "▷": "running", "←": "left"};

    const mark = (element, name, value) => {
        if (value === undefined) delete element.dataset[name];
        else if (element.dataset[name] !== value) element.dataset[name] = value;
    };

    const row = (line) => {
        const comment = line.querySelector(".col-comment");
        const told = comment?.textContent ?? "";
        mark(line, "glassgate", KINDS[[...told.trimStart()][0]]);
        if (comment) mark(comment, "glassgateLines", told.includes("\n") ? "many" : undefined); // a person may write any
        const began = line.querySelector("td.col-timestamp");
        if (began) mark(began, "glassgateTime", /\d\d:\d\d:\d\d/.exec(began.textContent)?.[0]);
    };

    const pane = (view) => {
        const controls = view.querySelector(".controls");
        mark(view, "glassgateView", controls?.querySelector("h5")?.textContent.toLowerCase());
        if (!controls || controls.querySelector(".glassgate-headers")) return;
        const link = document.createElement("a");
        link.className = "btn btn-default btn-xs glassgate-headers";
        link.textContent = "Headers";
        link.title = "The headers stand below";
        link.href = "#";
        link.addEventListener("click", (event) => {
            event.preventDefault();
            link.closest("section")?.querySelector(".headers")?.scrollIntoView();
        });
        controls.append(link);
    };

    let asked = false;
    const look = () => {
        asked = false;
        document.querySelectorAll(".flow-table tbody tr").forEach(row);
        document.querySelectorAll(".flow-detail .contentview").forEach(pane);
    };
    const soon = () => {
        if (!asked) requestAnimationFrame(look);
        asked = true;
    };
    new MutationObserver(soon).observe(document.documentElement, {childList: true, characterData: true, subtree: true});
    soon();
})();
