/** Names of SNI endpoints: a town and a number, as Heroku makes them up. */

const TOWNS = ["accra", "akita", "bergen", "bilbao", "cork", "cusco", "dakar", "delft", "fukui", "galway", "hanoi", "iwaki", "jaipur", "kobe", "kyoto", "lahti", "lima", "malmo", "nara", "osaka", "porto", "quito", "riga", "siena", "tartu", "tokyo", "turku", "vaasa", "york", "zadar"];

/** Such as `tokyo-12345`. */
export function randomEndpointName(random: () => number = Math.random): string {
  return `${TOWNS[Math.floor(random() * TOWNS.length)] ?? "tokyo"}-${10_000 + Math.floor(random() * 90_000)}`;
}
