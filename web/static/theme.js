// Sets the theme before the first paint, so that a dark page never flashes white.
// ?theme= wins, then what the user chose, then what the system asks for.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const query = (text) => new URLSearchParams(text).get("theme");
  const chosen = () => {
    const hash = location.hash.indexOf("?");
    const asked = query(location.search) ?? (hash < 0 ? null : query(location.hash.slice(hash)));
    if (asked === "dark" || asked === "light") return asked;
    try {
      return localStorage.getItem("hearth.theme");
    } catch {
      return null;
    }
  };
  const apply = () => {
    const theme = root.dataset.themeChoice ?? chosen();
    root.dataset.theme = theme === "dark" || theme === "light" ? theme : dark.matches ? "dark" : "light";
  };
  dark.addEventListener("change", apply);
  apply();
})();
