// Attention to cached keys and values in pages: the very code of attention, which reads the pages where they are.
namespace VERLET_ISA {

using verlet::Pages;

static inline KeyValues pagesOf(const Attention& a, const Pages& pages, const AttentionPart& part) {
  const int64_t headSize = keysPerBlock * a.headDim;
  return {pages.keys, pages.values, part.pages, pages.pagesPerSlab, a.kvHeads * headSize, part.kvHead * headSize};
}

/// Writes the new keys and values of a part's sequence and key head into its pages, behind those cached.
static void appendToPages(const Attention& a, const Pages& pages, const AttentionPart& part) {
  const int64_t at = (part.firstRow * a.kvHeads + part.kvHead) * a.headDim;
  append(pagesOf(a, pages, part), a.k + at, a.v + at, a.kvHeads * a.headDim, part.tokens, part.past, a.headDim);
}

/// Attends to pages that hold everything up to the part's last token.
static void cachedAttention(const Attention& a, const Pages& pages, const AttentionPart& part) {
  attendPart(a, part, pagesOf(a, pages, part));
}

}  // namespace VERLET_ISA
