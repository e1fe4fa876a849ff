// Counter-based random numbers: no state, so that a sequence's stream depends on its seed and its length alone.
namespace VERLET_ISA {

/// Philox4x32-10 (Salmon et al., SC 2011, section 3.3) of counter (counter, 0, 0, 0) and key (key, 0): 24 bits of the first word, in [0, 1).
static double philoxUniform(uint32_t key, uint32_t counter) {
  uint32_t a = counter, b = 0, c = 0, d = 0, k = key, l = 0;
  for (int round = 0; round < 10; round++) {
    const uint64_t left = (uint64_t)0xD2511F53u * a, right = (uint64_t)0xCD9E8D57u * c;
    a = (uint32_t)(right >> 32) ^ b ^ k;
    b = (uint32_t)right;
    c = (uint32_t)(left >> 32) ^ d ^ l;
    d = (uint32_t)left;
    k += 0x9E3779B9u;
    l += 0xBB67AE85u;
  }
  return (a >> 8) / 16777216.0;
}

}  // namespace VERLET_ISA
