import type { health as english } from "../en/health";
import type { Message } from "../translate";

export const health: Record<keyof typeof english, Message> = {
  "amount.under_a_second": "<1 s",
  "health.title": "Zustand der Plattform",
  "health.more_fine": {
    one: "{count} weitere Angabe ist in Ordnung",
    other: "{count} weitere Angaben sind in Ordnung",
  },
  "health.fewer": "Nur das Dringendste zeigen",
  "health.well": "Alles in Ordnung",
  "health.troubles": {
    one: "{count} Sache braucht Aufmerksamkeit",
    other: "{count} Sachen brauchen Aufmerksamkeit",
  },
  "health.limit": "Grenze {limit}",
  "health.oldest_wait": "Längste Wartezeit in {about}",
  "health.oldest_wait_of_all": "Längste Wartezeit",
  "health.failure_rate": "Fehlgeschlagen in 5 Minuten",
  "health.dead": "Gescheiterte Aufgaben",
  "health.workers": "Prozesse verspätet oder verloren",
  "health.beat": "Letzter Takt des Zeitplaners",
  "health.relay_lag": "Wartet auf die Weitergabe",
  "health.history_drops": "Verlorene Verlaufszeilen",
  "health.broker_memory": "Speicher des Brokers",
  "health.circuits": "Getrennte Gegenstellen",
  "health_state.bad": "schlecht",
  "health_state.warn": "beobachten",
};
