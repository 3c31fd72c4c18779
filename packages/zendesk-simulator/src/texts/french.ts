import { type Language, topics } from './language.ts';

export const french: Language = {
  code: 'fr',
  names: [
    'Élodie Garnier',
    'François Lefèvre',
    'Maëlys Noël',
    'Thierry Béranger',
    'Inès Haddad',
    'Loïc Kervella',
  ],
  cities: ['Besançon', 'Montréal', 'Nîmes', 'Liège', 'Saint-Étienne', 'Genève'],
  greetings: ['Bonjour,', 'Bonjour à toute l’équipe,', 'Madame, Monsieur,', 'Bonsoir,'],
  closings: [
    'Cordialement,\n{n}',
    'Merci d’avance,\n{n}\n{c}',
    'Bien à vous,\n{n}',
    'Dans l’attente de votre réponse,\n{n}',
  ],
  asides: [
    'Je suis cliente depuis des années et je n’avais jamais eu de souci.',
    'J’ai déjà suivi les étapes de votre centre d’aide, sans succès.',
    'Un collègue à {c} constate exactement la même chose.',
    'Pouvez-vous me dire combien de temps cela prend d’habitude ?',
    'Sur la capture d’écran, on lit « veuillez contacter le support ».',
    'C’est mon troisième message au sujet de la commande {o}.',
    'Ma demande du {d} a été marquée comme résolue, alors qu’elle ne l’est pas.',
    'Tout fonctionnait jusqu’au {d} ; rien n’a changé chez nous.',
    'Je préfère une réponse écrite plutôt qu’un appel.',
    'Je peux vous envoyer le journal complet si nécessaire.',
  ],
  topics: topics(
    [
      [
        'Remboursement de la commande {o} non reçu',
        'Où est mon remboursement ?',
        'Remboursement de {a} manquant',
      ],
      [
        'j’ai renvoyé le {p} de la commande {o} le {d} et j’attends toujours le remboursement de {a}.',
        'vous avez confirmé le remboursement, mais rien n’est arrivé sur mon compte.',
      ],
      [
        'Le suivi indique que le colis est dans votre entrepôt de {c}.',
        'Mon relevé montre le débit de {a}, sans aucun crédit.',
        'Merci de me confirmer la date du virement.',
      ],
    ],
    [
      ['Commande {o} jamais arrivée', 'Retard de livraison', 'Colis perdu vers {c} ?'],
      [
        'ma commande {o} devait être livrée le {d} et je l’attends encore.',
        'le transporteur dit avoir remis le {p} à un voisin, mais personne ne l’a.',
      ],
      [
        'Le suivi n’a pas bougé depuis six jours.',
        'J’ai besoin du {p} avant le week-end.',
        'Pouvez-vous renvoyer un article en express à {c} ?',
      ],
    ],
    [
      ['Connexion impossible depuis ce matin', 'E-mail de réinitialisation jamais reçu', 'Compte bloqué'],
      [
        'depuis le {d}, je ne peux plus me connecter.',
        'j’ai demandé quatre fois un nouveau mot de passe, aucun e-mail ne vient.',
      ],
      [
        'La page affiche « session invalide » et revient au début.',
        'Les codes à deux facteurs sont refusés.',
        'Mes collègues n’ont pas ce problème.',
      ],
    ],
    [
      [
        'Facture de la commande {o} erronée',
        'Facture rectifiée demandée',
        'Numéro de TVA absent de la facture',
      ],
      [
        'la facture de la commande {o} indique {a}, ce n’est pas le prix convenu.',
        'notre comptabilité ne peut pas enregistrer votre facture : le numéro de TVA manque.',
      ],
      [
        'L’adresse de facturation est notre bureau de {c}.',
        'Merci d’envoyer la facture corrigée en PDF.',
        'La clôture est le {d}.',
      ],
    ],
    [
      [
        'L’application {p} plante dans les réglages',
        'L’application se ferme après la mise à jour',
        'Écran blanc',
      ],
      [
        'depuis la mise à jour du {d}, l’application plante dès que j’ouvre les réglages.',
        'l’application de mon {p} affiche un écran blanc puis se ferme.',
      ],
      [
        'Je l’ai réinstallée deux fois.',
        'Le rapport d’erreur porte le numéro {o}.',
        'Cela arrive en wifi comme en mobile.',
      ],
    ],
    [
      ['{p} arrivé endommagé', 'Cassé à la livraison : commande {o}', 'Écran rayé'],
      [
        'le {p} de la commande {o} est arrivé endommagé, le carton était écrasé.',
        'en déballant mon {p}, j’ai vu que l’écran était rayé.',
      ],
      [
        'Les photos sont jointes ; l’emballage était ouvert.',
        'Je souhaite un échange, pas un bon d’achat.',
        'Le livreur a pris une photo également.',
      ],
    ],
    [
      ['Résiliation de mon abonnement', 'Annuler la commande {o}', 'Comment arrêter mon forfait ?'],
      [
        'je souhaite résilier mon abonnement à la fin du mois.',
        'merci d’annuler la commande {o}, elle n’est pas encore expédiée.',
      ],
      [
        'J’ai encore été débité de {a} malgré la résiliation du {d}.',
        'Le bouton de résiliation ne fait rien.',
        'Merci de confirmer par e-mail.',
      ],
    ],
    [
      ['L’API renvoie 502 depuis le {d}', 'Signature du webhook incorrecte', 'Limite de requêtes trop basse'],
      [
        'notre intégration reçoit une erreur 502 pour une requête sur vingt depuis le {d}.',
        'le webhook arrive avec une signature impossible à vérifier.',
      ],
      [
        'La requête {o} en est un exemple.',
        'Malgré nos nouvelles tentatives, des événements manquent.',
        'La page d’état est entièrement verte.',
      ],
    ],
  ),
};
