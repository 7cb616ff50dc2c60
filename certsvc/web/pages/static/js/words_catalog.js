// Words of the public catalog; the rows themselves stay Chinese.
export const CATALOG_WORDS = {
  "catalog.title": ["证照目录", "Public catalog"],
  "catalog.lead": ["本地区有哪些电子证照、由谁制发、在哪里能用、办哪些事不用再交。无需登录。", "Which e-licenses there are, who issues them, where they are used, and where you need not bring them."],
  "catalog.lists": ["选择清单", "Choose a list"],
  "catalog.types": ["证照目录", "Types"],
  "catalog.making": ["制作清单", "Issuers"],
  "catalog.uses": ["四电应用", "Uses"],
  "catalog.no-paper": ["免证办", "No paper"],
  "catalog.search": ["搜索", "Search"],
  "catalog.search_hint": ["证照、机构或事项的名称，多个词用空格隔开。", "Names in Chinese; separate words by spaces."],
  "catalog.download": ["下载表格（XLSX）", "Download (XLSX)"],
  "catalog.count": ["共 {all} 条，符合的 {found} 条", "{found} of {all} entries"],
  "catalog.none": ["没有符合的条目。请换一个词，或清空搜索框。", "Nothing matches: try another word, or clear the search."],
  "catalog.more": ["显示更多", "Show more"],
};
