"""The look of the audit's page, day and night: the portal's inks and papers, in a file that stands alone."""

STYLE = """
:root{color-scheme:light dark;--ink:#1d2327;--quiet:#57606a;--paper:#fbfaf7;--card:#fff;--line:#d8d5cd;--accent:#0b5c8a;
  --bar:#5f87a3;--chance:#dcd9d0;
--red:#a3121f;--amber:#8a5300;--green:#1c6b3a;--underpowered:#565e67}
@media(prefers-color-scheme:dark){
:root{--ink:#e4e6e8;--quiet:#a5adb5;--paper:#121416;--card:#191c1f;--line:#363b41;--accent:#7cc0ea;--bar:#6f9dbd;--chance:#373c42;
--red:#ff8f8f;--amber:#f0b45a;--green:#7ed29b;--underpowered:#b3bbc4}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,
  sans-serif;font-variant-numeric:tabular-nums}
main,header,footer{max-width:72rem;margin:0 auto;padding:1rem 1.25rem}
h1{font-size:1.75rem;line-height:1.2;margin:1rem 0 .5rem}
h2{font-size:1.3rem;margin:2.5rem 0 .5rem;padding-top:1rem;border-top:1px solid var(--line)}
h3{font-size:1.05rem;margin:1.5rem 0 .25rem}
p{max-width:44rem;margin:.5rem 0}
.quiet,figcaption,caption{color:var(--quiet)}
a{color:var(--accent)}
nav ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.25rem 1.25rem}
nav a{display:inline-block;padding:.25rem 0}
.facts{display:flex;flex-wrap:wrap;gap:.5rem 2rem;margin:1rem 0;padding:0}
.facts div{min-width:7rem}
.facts dt{color:var(--quiet);font-size:.9rem}
.facts dd{margin:0;font-size:1.4rem;font-weight:600}
.v{font-weight:600}
td .v{white-space:nowrap}
.v.red,.dot.red,.range.red{color:var(--red);fill:var(--red)}
.v.amber,.dot.amber,.range.amber{color:var(--amber);fill:var(--amber)}
.v.green,.dot.green,.range.green{color:var(--green);fill:var(--green)}
.v.underpowered,.dot.underpowered,.range.underpowered{color:var(--underpowered);fill:var(--underpowered)}
ol.concerns{padding:0;list-style:none;margin:1rem 0}
ol.concerns li{background:var(--card);border:1px solid var(--line);border-left:6px solid var(--underpowered);
  padding:.75rem 1rem;margin:.75rem 0}
ol.concerns li.red{border-left-color:var(--red)}
ol.concerns li.amber{border-left-color:var(--amber)}
ol.concerns p{margin:.25rem 0}
.scroll{overflow-x:auto;margin:1rem 0}
table{border-collapse:collapse;width:100%;background:var(--card);font-size:.94rem}
caption{text-align:left;padding:.25rem 0;font-weight:600}
th,td{text-align:left;vertical-align:top;padding:.4rem .7rem;border-bottom:1px solid var(--line)}
thead th{border-bottom:2px solid var(--line);white-space:nowrap}
tbody th{font-weight:500}
.n{text-align:right;white-space:nowrap}
figure{margin:1rem 0}
svg.plot{display:block;overflow:visible;font:14px system-ui,sans-serif}
svg text{fill:var(--ink)}
svg .small{fill:var(--quiet);font-size:13px}
.track{fill:var(--line)}
.chance{fill:var(--chance)}
.bar{fill:var(--bar)}
.mark{stroke:var(--quiet);stroke-dasharray:3 3}
.halves{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:0 2.5rem}
details{margin:1rem 0}
summary{cursor:pointer;padding:.4rem 0;color:var(--accent);font-weight:600}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
code{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.92em}
@media print{details>*{display:block}
.scroll{overflow:visible}}
"""
