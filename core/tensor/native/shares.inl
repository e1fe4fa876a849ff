// How the threads share work that needs no tiling.
namespace VERLET_ISA {

/// Numbers below which waking other threads costs more than they save.
constexpr int64_t smallWork = 32768;

/// Where part `part` of `parts` of [0, size) begins: parts are whole units, but for the last.
static inline int64_t boundary(int64_t size, int64_t unit, int part, int parts) {
  return least(size, divideUp(size, unit) * part / parts * unit);
}

/// Calls body(from, to) for a share a thread of [0, count), cut between whole units; `numbers` says how much work there is in all.
template <class Body>
static inline void forShares(int64_t count, int64_t unit, int64_t numbers, const Body& body) {
  if (count == 0) return;
  int shares = numbers < smallWork ? 1 : (int)least(verlet::threads(), divideUp(count, unit));
  if (shares == 1) return body(0, count);
  verlet::parallel(shares, [&](int share) {
    body(boundary(count, unit, share, shares), boundary(count, unit, share + 1, shares));
  });
}

}  // namespace VERLET_ISA
