/** The whole style of the report page. */
export const pageStyle = `
body { font: 14px/1.5 system-ui, sans-serif; color: #111827; background: #f9fafb; max-width: 1320px; margin: 24px auto; padding: 0 16px; }
h1 { font-size: 20px; } h2 { font-size: 16px; margin-top: 28px; }
dl { display: flex; flex-wrap: wrap; gap: 12px; } dl div { background: #fff; border: 1px solid #e5e7eb; border-radius: 8px; padding: 8px 14px; }
dt { color: #6b7280; font-size: 12px; } dd { margin: 0; font-size: 17px; font-weight: 600; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(380px, 1fr)); gap: 12px; } figure { margin: 0; } svg { width: 100%; display: block; }
details { background: #fff; border: 1px solid #e5e7eb; border-radius: 8px; padding: 6px 12px; margin: 6px 0; } summary { cursor: pointer; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: 2px 0; font: 12.5px/1.5 ui-monospace, monospace; }
.message { border-left: 3px solid #d1d5db; padding: 2px 10px; margin: 6px 0; } .role { color: #6b7280; font-size: 12px; }
.user { border-color: #0891b2; } .assistant { border-color: #059669; } .tool { border-color: #d97706; } .system { border-color: #9ca3af; }
.call { color: #7c3aed; } .good { color: #059669; } .bad { color: #dc2626; }
.tokens span { color: #6b7280; } .tokens .sampled, .legend .sampled { color: #111827; border-radius: 2px; }
.sure { background: #bbf7d0; } .open { background: #fef08a; } .rare { background: #fecaca; } .legend { color: #6b7280; font-size: 12px; }
`;
