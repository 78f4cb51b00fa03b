/// How the page looks, light and dark. The two ramps keep their order for readers who don't see red and green apart.
enum ReportStyle {
    static let sheet = """
        :root { color-scheme: light dark; --page: #f6f7f9; --card: #fff; --ink: #1b2430; --soft: #5d6b7c; --line: #dfe4ea;
          --a: #1565c0; --b: #d9730d; --c: #a4317f; --bad: #c62828; --fill: #1565c022; }
        @media (prefers-color-scheme: dark) { :root { --page: #12161c; --card: #1a2029; --ink: #e4e9f0; --soft: #93a1b3;
          --line: #2c3541; --a: #64b5f6; --b: #ffb45c; --c: #f08bc9; --bad: #ff7b72; --fill: #64b5f622; } }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--ink);
          font: 15px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
        main { max-width: 960px; margin: 0 auto; padding: 28px 20px 48px; }
        h1 { font-size: 24px; margin: 0 0 6px; letter-spacing: -.01em; }
        h1 small { font-weight: 400; color: var(--soft); font-size: 16px; }
        h2 { font-size: 16px; margin: 0 0 10px; }
        header p { margin: 0; color: var(--soft); }
        pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; overflow-x: auto;
          font: 12.5px/1.5 ui-monospace, "DejaVu Sans Mono", monospace; margin: 14px 0 0; white-space: pre-wrap; }
        section { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; margin-top: 16px; }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(138px, 1fr)); gap: 12px; background: none; border: 0; padding: 0; }
        .tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; }
        .tile span { color: var(--soft); font-size: 13px; } .tile strong { display: block; font-size: 22px; line-height: 1.3;
          font-variant-numeric: tabular-nums; white-space: nowrap; } .tile em { color: var(--soft); font-style: normal; font-size: 12px; }
        .bad strong { color: var(--bad); }
        .warning { border-left: 4px solid var(--bad); background: var(--card); padding: 8px 14px; margin: 16px 0 0; border-radius: 0 8px 8px 0; }
        .note { color: var(--soft); font-size: 13px; margin: 8px 0 0; }
        .scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
        th, td { text-align: right; padding: 5px 8px; border-bottom: 1px solid var(--line); white-space: nowrap; }
        th { color: var(--soft); font-weight: 500; } th:first-child, td:first-child { text-align: left; }
        tbody tr:last-child td { border: 0; }
        details { margin-top: 16px; } summary { cursor: pointer; color: var(--soft); }
        svg { display: block; width: 100%; height: auto; font: 12px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
        svg + svg { margin-top: 14px; }
        svg text { fill: var(--soft); } .grid { stroke: var(--line); stroke-width: 1; } .axis { stroke: var(--soft); stroke-width: 1; }
        .series { fill: none; stroke-width: 1.8; stroke-linejoin: round; } .a { stroke: var(--a); } .b { stroke: var(--b); } .c { stroke: var(--c); }
        .dashed { stroke-dasharray: 6 4; } .area { fill: var(--fill); stroke: none; }
        circle.a { fill: var(--a); } circle.b { fill: var(--b); } circle.c { fill: var(--c); }
        .stage { stroke: var(--soft); stroke-width: 1; stroke-dasharray: 1 3; } .swap { stroke: var(--a); stroke-width: 1.3; stroke-dasharray: 5 3; }
        .error { stroke: var(--bad); stroke-width: 1.5; opacity: .7; }
        """
}
